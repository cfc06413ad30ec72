import { useMemo, useState } from "preact/hooks";
import { Tokens } from "./code_lines.tsx";
import { Seen } from "./seen.tsx";
import { type TokenLine, tokenLines } from "./tokens.ts";

const COPIED_MS = 1_500;
const PYTHON = new Set(["python", "py", "python3"]);
const LONGEST_COLOURED = 12_000;

/** Code in an answer, with a button that copies it. */
export function CodeBlock({ text, language }: { text: string; language: string }) {
  const [name = ""] = language.trim().split(/\s/);
  const isColoured = PYTHON.has(name.toLowerCase()) && text.length <= LONGEST_COLOURED;
  const lines = useMemo(() => (isColoured ? tokenLines(text) : null), [text, isColoured]);
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
        <code>{lines ? coloured(lines) : <Seen text={text} where="code" />}</code>
      </pre>
    </div>
  );
}

function coloured(lines: readonly TokenLine[]) {
  return lines.map((line, at) => (
    <span key={at}>
      <Tokens line={line} />
      {at < lines.length - 1 ? "\n" : ""}
    </span>
  ));
}

function CopyButton({ text }: { text: string }) {
  const [said, say] = useState("Copy");
  const copy = async () => {
    try {
      await copied(text);
      say("Copied");
    } catch {
      say("Not allowed");
    }
    setTimeout(() => say("Copy"), COPIED_MS);
  };
  return (
    <button type="button" class="small quiet" onClick={() => void copy()}>
      {said}
    </button>
  );
}

/** Rejects where the browser does not allow it. */
async function copied(text: string): Promise<void> {
  // Only a page that came by https, or from this machine, has the first way.
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const field = document.createElement("textarea");
  field.value = text;
  document.body.append(field);
  field.select();
  const isCopied = document.execCommand("copy");
  field.remove();
  if (!isCopied) throw new Error("The browser does not allow to copy.");
}
