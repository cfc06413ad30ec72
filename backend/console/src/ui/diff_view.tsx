import { memo } from "preact/compat";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { spelled } from "../hidden_characters.ts";
import { parted } from "./changed_words.ts";
import { type Change, changedRanges, compare, type DiffRow, sideBySide } from "./diff_rows.ts";
import { HiddenWarning } from "./seen.tsx";
import { Tokens } from "./tokens.tsx";
import { useNear } from "./use_near.ts";
import { type Source, tokensOf, useSource } from "./use_source.ts";

interface Props {
  before: string;
  after: string;
  isSplit: boolean;
}

type Pair = [DiffRow | null, DiffRow | null];
interface Sides {
  before: Source;
  after: Source;
}

const CHUNK_ROWS = 120;
const LINE_HEIGHT = 20;

/** The change from one source to another: unified, or side by side. */
export const DiffView = memo(({ before, after, isSplit }: Props) => {
  const change = useMemo(() => compare(before, after), [before, after]);
  const sides = { before: useSource(before), after: useSource(after) };
  const chunks = useMemo(() => (change ? chunked(change, isSplit) : []), [change, isSplit]);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // In a long line the change may be far below the line's first row; its position is known after layout.
    const frame = requestAnimationFrame(() => box.current?.querySelector("mark")?.scrollIntoView({ block: "nearest" }));
    return () => cancelAnimationFrame(frame);
  }, [chunks]);
  if (!change) return <p class="faint empty">These versions differ too much to be compared.</p>;
  if (change.rows.length === 0) return <p class="faint empty">No difference.</p>;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <div ref={box} class={`diff ${isSplit ? "split" : ""}`} tabIndex={0} role="region" aria-label={summary(change)}>
      <HiddenWarning what="This change" lines={addedLines(change)} where="change" />
      <div class="diff-lines">
        {chunks.map((pairs, at) => (
          <DiffChunk
            key={at}
            pairs={pairs}
            isSplit={isSplit}
            before={sides.before}
            after={sides.after}
            isFirst={at === 0}
          />
        ))}
      </div>
    </div>
  );
});

export function summary(change: Change): string {
  return `${change.added} lines added, ${change.removed} removed`;
}

function addedLines(change: Change): [number, string][] {
  return change.rows.flatMap((row): [number, string][] =>
    row.kind === "added" && row.after !== null ? [[row.after, row.text]] : [],
  );
}

function chunked(change: Change, isSplit: boolean): Pair[][] {
  const pairs = isSplit ? sideBySide(change.rows) : change.rows.map((row): Pair => [row, row]);
  const chunks: Pair[][] = [];
  for (let at = 0; at < pairs.length; at += CHUNK_ROWS) chunks.push(pairs.slice(at, at + CHUNK_ROWS));
  return chunks;
}

const DiffChunk = memo((props: Sides & { pairs: Pair[]; isSplit: boolean; isFirst: boolean }) => {
  const box = useRef<HTMLDivElement>(null);
  const isNear = useNear(box, props.isFirst);
  const { pairs, isSplit } = props;
  return (
    <div class="diff-chunk" ref={box} style={{ containIntrinsicSize: `auto ${pairs.length * LINE_HEIGHT}px` }}>
      {isNear
        ? pairs.map(([left, right], at) =>
            isSplit ? (
              <div key={at} class="diff-row">
                <Half row={left} side="before" {...props} />
                <Half row={right} side="after" {...props} />
              </div>
            ) : (
              <Line key={at} row={(right ?? left) as DiffRow} {...props} />
            ),
          )
        : pairs.map(([left, right]) => spelled((right ?? left)?.text ?? "")).join("\n")}
    </div>
  );
});

function Line({ row, before, after }: Sides & { row: DiffRow }) {
  if (row.kind === "gap") return <div class="diff-row gap">{row.text}</div>;
  return (
    <div class={`diff-row ${row.kind}`}>
      <span class="number" aria-hidden="true">
        {row.before}
      </span>
      <span class="number" aria-hidden="true">
        {row.after}
      </span>
      <Sign row={row} />
      <Text row={row} before={before} after={after} />
    </div>
  );
}

function Half({ row, side, before, after }: Sides & { row: DiffRow | null; side: "before" | "after" }) {
  if (!row) return <div class="half none" />;
  if (row.kind === "gap") return <div class="half gap">{side === "before" ? row.text : ""}</div>;
  return (
    <div class={`half ${row.kind}`}>
      <span class="number" aria-hidden="true">
        {row[side]}
      </span>
      <Sign row={row} />
      <Text row={row} before={before} after={after} />
    </div>
  );
}

function Sign({ row }: { row: DiffRow }) {
  const sign = { added: "+", removed: "−", same: " ", gap: "" }[row.kind];
  return <span class="sign">{sign}</span>;
}

function Text({ row, before, after }: Sides & { row: DiffRow }) {
  const tokens = tokensOf(row.kind === "removed" ? before : after, row.from, row.text);
  if (row.kind !== "added" && row.kind !== "removed")
    return (
      <span class="text">
        <Tokens tokens={tokens} />
      </span>
    );
  const content = parted(tokens, changedRanges(row)).map(({ tokens: part, isChanged }, at) =>
    isChanged ? (
      <mark key={at}>
        <Tokens tokens={part} where="change" />
      </mark>
    ) : (
      <Tokens key={at} tokens={part} where="change" />
    ),
  );
  return row.kind === "added" ? <ins>{content}</ins> : <del>{content}</del>;
}
