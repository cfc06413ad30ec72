import { useMemo, useState } from "preact/hooks";
import { lazyModule } from "./lazy_module.ts";
import { Seen } from "./seen.tsx";
import { Tokens } from "./tokens.tsx";

const COPIED_MS = 1_500;
const PYTHON = new Set(["python", "py", "python3"]);
const LONGEST_COLOURED = 12_000;

/** Code in an answer, with a button that copies it. */
export function CodeBlock({ text, language }: { text: string; language: string }) {
  const [name = ""] = language.trim().split(/\s/);
  const isColoured = PYTHON.has(name.toLowerCase()) && text.length <= LONGEST_COLOURED;
  return (
    <div class="code-block">
      <div class="code-block-head">
        <span class="faint">
          <Seen text={name} />
        </span>
        <CopyButton text={text} />
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <pre tabIndex={0} dir="ltr">
        <code>{isColoured ? <Coloured text={text} /> : <Seen text={text} where="code" />}</code>
      </pre>
    </div>
  );
}

const usePython = lazyModule(() => import("./python.ts"));

/** Short Python in colours, once the parser is loaded. */
function Coloured({ text }: { text: string }) {
  const { module } = usePython();
  const tokens = useMemo(() => module?.tokensBetween(text, module.parsePython(text)), [text, module]);
  return tokens ? <Tokens tokens={tokens} /> : <Seen text={text} where="code" />;
}

function CopyButton({ text }: { text: string }) {
  const [said, say] = useState("Copy");
  const onCopy = async () => {
    try {
      await copy(text);
      say("Copied");
    } catch {
      say("Not allowed");
    }
    setTimeout(() => say("Copy"), COPIED_MS);
  };
  return (
    <button type="button" class="small quiet" onClick={() => void onCopy()}>
      {said}
    </button>
  );
}

/** Copies a text. Rejects if the browser does not allow it. */
async function copy(text: string): Promise<void> {
  // The clipboard API needs a secure context: https, or localhost.
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const field = document.createElement("textarea");
  field.value = text;
  document.body.append(field);
  field.select();
  const hasCopied = document.execCommand("copy");
  field.remove();
  if (!hasCopied) throw new Error("The browser does not allow copying.");
}
