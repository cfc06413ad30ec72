import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { memo } from "./hooks.ts";
import type { TokenLine } from "./tokens.ts";
import { useTokens } from "./use_tokens.ts";

const CHUNK_LINES = 100;
const LINE_HEIGHT = 20;

/** Source in colours, with line numbers. Only what is near the window is coloured. */
export const CodeView = memo(({ code }: { code: string }) => {
  const tokens = useTokens(code);
  const lines = useMemo(() => code.replace(/\n$/, "").split("\n"), [code]);
  const chunks = [];
  for (let first = 0; first < lines.length; first += CHUNK_LINES) {
    const last = first + CHUNK_LINES;
    chunks.push(
      <CodeChunk
        key={first}
        first={first}
        text={lines.slice(first, last).join("\n")}
        count={Math.min(CHUNK_LINES, lines.length - first)}
        tokens={tokens}
      />,
    );
  }
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <div class="code" tabIndex={0} role="region" aria-label={`Source, ${lines.length} lines`}>
      <div class="code-lines">{chunks}</div>
    </div>
  );
});

interface ChunkProps {
  first: number;
  count: number;
  text: string;
  tokens: readonly TokenLine[] | null;
}

const CodeChunk = memo(({ first, count, text, tokens }: ChunkProps) => {
  const box = useRef<HTMLDivElement>(null);
  const isNear = useNear(box, first === 0);
  const numbers = useMemo(() => Array.from({ length: count }, (_, at) => first + at + 1).join("\n"), [first, count]);
  return (
    <div class="code-chunk" ref={box} style={{ containIntrinsicSize: `auto ${count * LINE_HEIGHT}px` }}>
      <pre class="gutter" aria-hidden="true">
        {numbers}
      </pre>
      <pre class="source">
        <code>
          {isNear && tokens
            ? tokens.slice(first, first + count).map((line, at) => (
                <span key={at}>
                  <Tokens line={line} />
                  {at < count - 1 ? "\n" : ""}
                </span>
              ))
            : text}
        </code>
      </pre>
    </div>
  );
});

/** The pieces of a line in their colours. */
export function Tokens({ line }: { line: TokenLine }) {
  return (
    <>
      {line.map(([text, kind], at) =>
        kind ? (
          <span key={at} class={`tk-${kind}`}>
            {text}
          </span>
        ) : (
          text
        ),
      )}
    </>
  );
}

/** Whether the element has come near the window; once it has, it stays so. */
export function useNear(box: { current: HTMLElement | null }, isAtFirst: boolean): boolean {
  const [isNear, setNear] = useState(isAtFirst);
  useEffect(() => {
    if (isNear || !box.current) return;
    const observer = new IntersectionObserver(
      (entries) => entries.some((entry) => entry.isIntersecting) && setNear(true),
      {
        rootMargin: "800px",
      },
    );
    observer.observe(box.current);
    return () => observer.disconnect();
  }, [isNear]);
  return isNear;
}
