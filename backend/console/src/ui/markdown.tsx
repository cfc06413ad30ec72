/** Markdown of models as elements: no HTML, links only to safe addresses, and nothing is loaded. */

import { Lexer, type Token, type Tokens } from "marked";
import { memo } from "preact/compat";
import { useMemo, useRef } from "preact/hooks";
import { CodeBlock } from "./code_block.tsx";
import { inline, seen } from "./markdown_inline.tsx";
import { type MarkdownPart, markdownParts } from "./markdown_parts.ts";
import { useNear } from "./use_near.ts";

const LINE_HEIGHT = 22;
// An answer of so many parts is rendered completely; of a longer one the visible parts.
const FEW_PARTS = 6;
// Deeper nesting of quotes and lists is no text that anyone writes; it is shown as plain text.
const DEEPEST = /^[ \t]*(?:(?:>|[-*+]|\d{1,9}[.)])[ \t]*){12,}/m;

/** An answer, complete or being streamed. */
export const Markdown = memo(({ text }: { text: string }) => {
  const known = useRef<readonly MarkdownPart[]>([]);
  known.current = useMemo(() => markdownParts(text, known.current), [text]);
  const parts = known.current;
  return (
    <div class="markdown" dir="auto">
      {parts.map((part, at) => (
        <Part
          key={at}
          text={part.text}
          before={part.before}
          isShown={parts.length <= FEW_PARTS || at === parts.length - 1}
        />
      ))}
    </div>
  );
});

const Part = memo(({ text, before, isShown }: MarkdownPart & { isShown: boolean }) => {
  const box = useRef<HTMLDivElement>(null);
  const isNear = useNear(box, isShown) || isShown;
  const tokens = useMemo(() => (isNear ? blocksOf(before + text) : null), [text, before, isNear]);
  const lines = text.split("\n").length;
  return (
    <div
      ref={box}
      class={isShown ? "part" : "part chunk"}
      style={isShown ? {} : { containIntrinsicSize: `auto ${lines * LINE_HEIGHT}px` }}
    >
      {tokens ? <Blocks tokens={tokens} /> : <p>{text}</p>}
    </div>
  );
});

/** The blocks of a text; a text that is nested too deeply is one block of plain text. */
export function blocksOf(text: string): Token[] {
  if (DEEPEST.test(text)) return [{ type: "html", raw: text, text }];
  return new Lexer({ gfm: true }).lex(text);
}

function Blocks({ tokens }: { tokens: readonly Token[] }) {
  return (
    <>
      {tokens.map((token, at) => (
        <Block key={at} token={token as Tokens.Generic} />
      ))}
    </>
  );
}

function Block({ token }: { token: Tokens.Generic }) {
  switch (token.type) {
    case "space":
      return null;
    case "heading": {
      const Heading = `h${Math.min(6, Number(token.depth) + 2)}` as "h3";
      return <Heading>{inline(token.tokens)}</Heading>;
    }
    case "paragraph":
    case "text":
      return token.tokens ? <p>{inline(token.tokens)}</p> : <p>{seen(token.text)}</p>;
    case "code":
      return <CodeBlock text={String(token.text)} language={String(token.lang ?? "")} />;
    case "blockquote":
      return (
        <blockquote>
          <Blocks tokens={token.tokens ?? []} />
        </blockquote>
      );
    case "list":
      return <List list={token as Tokens.List} />;
    case "table":
      return <Table table={token as Tokens.Table} />;
    case "hr":
      return <hr />;
    default:
      // HTML, definitions, and tokens of later versions of the lexer: as written.
      return <p>{seen(token.raw.trimEnd())}</p>;
  }
}

function List({ list }: { list: Tokens.List }) {
  const items = list.items.map((item, at) => (
    <li key={at} class={item.task ? "task" : ""}>
      {item.task && <span class="check">{item.checked ? "☑ " : "☐ "}</span>}
      {item.tokens.map((token, place) =>
        token.type === "text" ? (
          <span key={place}>{inline((token as Tokens.Text).tokens ?? [token])}</span>
        ) : token.type === "checkbox" ? null : (
          <Block key={place} token={token as Tokens.Generic} />
        ),
      )}
    </li>
  ));
  return list.ordered ? <ol start={Number(list.start) || 1}>{items}</ol> : <ul>{items}</ul>;
}

function Table({ table }: { table: Tokens.Table }) {
  const cell = (one: Tokens.TableCell, at: number) =>
    one.header ? (
      <th key={at} class={one.align ?? ""}>
        {inline(one.tokens)}
      </th>
    ) : (
      <td key={at} class={one.align ?? ""}>
        {inline(one.tokens)}
      </td>
    );
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <div class="table" tabIndex={0} role="region" aria-label="Table">
      <table>
        <thead>
          <tr>{table.header.map(cell)}</tr>
        </thead>
        <tbody>
          {table.rows.map((row, at) => (
            <tr key={at}>{row.map(cell)}</tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
