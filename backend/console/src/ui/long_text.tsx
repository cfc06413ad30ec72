import { memo } from "preact/compat";
import { useMemo } from "preact/hooks";
import { Seen } from "./seen.tsx";

const CHUNK_LINES = 80;
const CHUNK_CHARACTERS = 6_000;
const LINE_HEIGHT = 22;

/** Text of any length, in chunks of which the browser lays out the visible ones. Appending does not move the rest. */
export const LongText = memo(({ text }: { text: string }) => {
  const chunks = useMemo(() => chunksOf(text), [text]);
  if (chunks.length === 1)
    return (
      <div class="long-text" dir="auto">
        <Seen text={text} />
      </div>
    );
  return (
    <div class="long-text" dir="auto">
      {chunks.map((chunk, at) => (
        <Chunk key={at} text={chunk} isLast={at === chunks.length - 1} />
      ))}
    </div>
  );
});

const Chunk = memo(({ text, isLast }: { text: string; isLast: boolean }) => {
  if (isLast)
    return (
      <div>
        <Seen text={text} />
      </div>
    );
  const lines = text.split("\n").length - 1;
  return (
    <div class="chunk" style={{ containIntrinsicSize: `auto ${Math.max(1, lines) * LINE_HEIGHT}px` }}>
      <Seen text={text} />
    </div>
  );
});

/** The chunks of a text, which end with a line if possible. Appending to the text changes only the last chunk. */
export function chunksOf(text: string): string[] {
  const chunks: string[] = [];
  let start = 0;
  let lines = 0;
  for (let at = 0; at < text.length; at++) {
    const isLineEnd = text.charCodeAt(at) === 10;
    if (isLineEnd) lines++;
    const isFull = at - start >= 4 * CHUNK_CHARACTERS && !isHighSurrogate(text, at);
    if ((isLineEnd && (lines === CHUNK_LINES || at - start >= CHUNK_CHARACTERS)) || isFull) {
      chunks.push(text.slice(start, at + 1));
      start = at + 1;
      lines = 0;
    }
  }
  if (start < text.length || chunks.length === 0) chunks.push(text.slice(start));
  return chunks;
}

function isHighSurrogate(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  return unit >= 0xd800 && unit < 0xdc00;
}
