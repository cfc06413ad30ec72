/** Lines of source with their numbers, in pieces: the browser lays out those in sight, and only those have colours. */

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Where } from "../hidden_characters.ts";
import { memo } from "./hooks.ts";
import { Seen } from "./seen.tsx";
import type { TokenLine } from "./tokens.ts";

const CHUNK_LINES = 100;
const LINE_HEIGHT = 20;

interface Props {
  lines: readonly string[];
  /** Null: not known yet. */
  tokens: readonly TokenLine[] | null;
  /** Whether what was in sight once keeps its colours: it can be selected then without a change under the pointer. */
  isSelectable: boolean;
}

export function CodeLines({ lines, tokens, isSelectable }: Props) {
  // What is not laid out has no width of its own.
  const longest = useMemo(() => lines.reduce((most, line) => Math.max(most, line.length), 0), [lines]);
  const chunks = [];
  for (let first = 0; first < lines.length; first += CHUNK_LINES) {
    const own = lines.slice(first, first + CHUNK_LINES);
    chunks.push(
      <CodeChunk
        key={first}
        first={first}
        count={own.length}
        text={own.join("\n")}
        tokens={tokens}
        isSelectable={isSelectable}
      />,
    );
  }
  return (
    <div class="code-lines">
      {chunks}
      <div style={{ width: `${longest + 10}ch` }} />
    </div>
  );
}

interface ChunkProps {
  first: number;
  count: number;
  text: string;
  tokens: readonly TokenLine[] | null;
  isSelectable: boolean;
}

const CodeChunk = memo(({ first, count, text, tokens, isSelectable }: ChunkProps) => {
  const box = useRef<HTMLDivElement>(null);
  const isNear = useNear(box, first === 0, isSelectable);
  const numbers = useMemo(() => Array.from({ length: count }, (_, at) => first + at + 1).join("\n"), [first, count]);
  return (
    <div class="code-chunk" ref={box} style={{ containIntrinsicHeight: `auto ${count * LINE_HEIGHT}px` }}>
      <pre class="gutter" aria-hidden="true">
        {numbers}
      </pre>
      <pre class="source">
        <code>
          {isNear && tokens ? (
            tokens.slice(first, first + count).map((line, at) => (
              <span key={at}>
                <Tokens line={line} />
                {at < count - 1 ? "\n" : ""}
              </span>
            ))
          ) : isNear ? (
            <Seen text={text} where="code" />
          ) : (
            text
          )}
        </code>
      </pre>
    </div>
  );
});

/** The pieces of a line in their colours. */
export function Tokens({ line, where = "code" }: { line: TokenLine; where?: Where }) {
  return (
    <>
      {line.map(([text, kind], at) => {
        const seen = <Seen key={at} text={text} where={where} />;
        return kind ? (
          <span key={at} class={`tk-${kind}`}>
            {seen}
          </span>
        ) : (
          seen
        );
      })}
    </>
  );
}

/** Whether the element is near the window; `isForGood`: or was so once. */
export function useNear(box: { current: HTMLElement | null }, isAtFirst: boolean, isForGood = true): boolean {
  const [isNear, setNear] = useState(isAtFirst);
  useEffect(() => {
    if ((isNear && isForGood) || !box.current) return;
    const observer = new IntersectionObserver(
      (entries) => {
        const isSeen = entries.at(-1)?.isIntersecting ?? false;
        if (isSeen || !isForGood) setNear(isSeen);
      },
      { rootMargin: "800px", scrollMargin: "800px" },
    );
    observer.observe(box.current);
    return () => observer.disconnect();
  }, [isNear && isForGood]);
  return isNear;
}
