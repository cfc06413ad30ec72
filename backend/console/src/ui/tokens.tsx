import type { Where } from "../hidden_characters.ts";
import type { Token } from "./python.ts";
import { Seen } from "./seen.tsx";

/** Pieces of source in their colours. */
export function Tokens({ tokens, where = "code" }: { tokens: readonly Token[]; where?: Where }) {
  return (
    <>
      {tokens.map(([text, classes], at) => {
        const seen = <Seen key={at} text={text} where={where} />;
        return classes ? (
          <span key={at} class={classes}>
            {seen}
          </span>
        ) : (
          seen
        );
      })}
    </>
  );
}
