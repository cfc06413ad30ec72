/** The content of a line of Markdown, as elements. */

import type { Token, Tokens } from "marked";
import type { ComponentChildren } from "preact";
import { Seen } from "./seen.tsx";

const LINKS = new Set(["http:", "https:", "mailto:"]);
const ENTITIES: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: "\u00a0" };

/** The elements of inline tokens. Adjacent texts are joined. */
export function inline(tokens: readonly Token[] = []): ComponentChildren[] {
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
      // Not loaded: the request would show its host who reads this.
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

/** The address, if it is absolute and a web or mail address; else null. */
export function safeAddress(href: string): string | null {
  if (!URL.canParse(href)) return null;
  const url = new URL(href);
  return LINKS.has(url.protocol) ? url.href : null;
}

export function seen(text: unknown, where: "prose" | "code" = "prose") {
  return <Seen text={String(text ?? "")} where={where} />;
}

/** The text with its character references decoded. */
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
