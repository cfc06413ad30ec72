/** Markdown of models as elements: no HTML is made, links lead only where links should, and nothing is loaded. */

import { Lexer, type Token, type Tokens } from "marked";
import type { ComponentChildren } from "preact";
import { memo } from "preact/compat";
import { useMemo, useRef } from "preact/hooks";
import { CodeBlock } from "./code_block.tsx";
import { type MarkdownPart, markdownParts } from "./markdown_parts.ts";
import { Seen } from "./seen.tsx";
import { useNear } from "./use_near.ts";

const LINE_HEIGHT = 22;
// So many parts are shown at once; of a longer answer those in sight.
const FEW_PARTS = 6;
// Quotes and lists within each other beyond that are no writing; they would only nest the page.
const DEEPEST = /^[ \t]*(?:(?:>|[-*+]|\d{1,9}[.)])[ \t]*){12,}/m;
const LINKS = new Set(["http:", "https:", "mailto:"]);
const ENTITIES: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: "\u00a0" };

/** An answer, also while it is being written. */
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

/** The blocks of a text; of one that only nests, the text. */
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
      // HTML, definitions, and what a later version may know: as it was written.
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

/** What stands in a line. Neighbouring texts become one. */
function inline(tokens: readonly Token[] = []): ComponentChildren[] {
  const nodes: ComponentChildren[] = [];
  let text = "";
  const flush = () => {
    if (text) nodes.push(<Seen key={nodes.length} text={text} />);
    text = "";
  };
  for (const token of tokens) {
    const plain = plainText(token);
    if (plain !== null) {
      text += plain;
      continue;
    }
    flush();
    nodes.push(<Inline key={nodes.length} token={token as Tokens.Generic} />);
  }
  flush();
  return nodes;
}

function plainText(token: Token): string | null {
  if (token.type === "html") return token.raw;
  if (token.type === "escape") return token.text;
  if (token.type === "text" && !(token as Tokens.Text).tokens) return decoded(token.text);
  return null;
}

function Inline({ token }: { token: Tokens.Generic }) {
  switch (token.type) {
    case "text":
      return <>{inline(token.tokens)}</>;
    case "strong":
      return <strong>{inline(token.tokens)}</strong>;
    case "em":
      return <em>{inline(token.tokens)}</em>;
    case "del":
      return <s>{inline(token.tokens)}</s>;
    case "codespan":
      return <code>{seen(token.text, "code")}</code>;
    case "br":
      return <br />;
    case "link":
      return <Link href={String(token.href)} raw={token.raw} label={inline(token.tokens)} />;
    case "image":
      // Not loaded: whoever is named there would learn who reads this.
      return <Link href={String(token.href)} raw={token.raw} label={[`Image: ${decoded(token.text) || token.href}`]} />;
    default:
      return <>{seen(token.raw)}</>;
  }
}

function Link({ href, raw, label }: { href: string; raw: string; label: ComponentChildren[] }) {
  const address = safeAddress(decoded(href));
  if (address === null) return <>{seen(raw)}</>;
  return (
    <a href={address} title={address} target="_blank" rel="noopener noreferrer nofollow">
      <bdi>{label}</bdi>
    </a>
  );
}

/** The address where it is one that may be followed from here: whole, and of the web or for mail; else null. */
export function safeAddress(href: string): string | null {
  if (!URL.canParse(href)) return null;
  const url = new URL(href);
  return LINKS.has(url.protocol) ? url.href : null;
}

function seen(text: unknown, where: "prose" | "code" = "prose") {
  return <Seen text={String(text ?? "")} where={where} />;
}

/** Character references are characters: text is all that is made of them. */
export function decoded(text: string): string {
  return text.replace(
    /&(?:#(\d{1,7})|#[xX]([\da-fA-F]{1,6})|(amp|lt|gt|quot|apos|nbsp));/g,
    (found, decimal, hex, name) => {
      if (name) return ENTITIES[name] ?? found;
      const point = decimal ? Number(decimal) : Number.parseInt(hex, 16);
      return point === 0 || point > 0x10ffff || (point >= 0xd800 && point < 0xe000)
        ? "\ufffd"
        : String.fromCodePoint(point);
    },
  );
}
