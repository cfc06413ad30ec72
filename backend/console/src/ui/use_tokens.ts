import { useCallback, useEffect, useMemo, useState } from "preact/hooks";
import { type Change, compare } from "./diff_rows.ts";
import { type TokenLine, tokenLines } from "./tokens.ts";
import { beside } from "./worker_calls.ts";

const SHORT = 12_000;

/** The coloured lines of a source; null while a long one is being coloured, and where that did not work. */
export function useTokens(code: string): readonly TokenLine[] | null {
  const isShort = code.length <= SHORT;
  const { value } = useLater(
    code,
    isShort,
    () => tokenLines(code),
    () => beside.lines(code),
  );
  return value ?? null;
}

/** The change between two sources: undefined while it is being looked for, null where they differ too much. */
export function useChange(before: string, after: string): Later<Change | null> {
  return useLater(
    `${before}\0${after}`,
    before.length + after.length <= 2 * SHORT,
    () => compare(before, after),
    () => beside.compare(before, after),
  );
}

interface Later<Value> {
  /** Undefined until it is there. */
  value: Value | undefined;
  /** It will not come by itself; `again` asks once more. */
  hasFailed: boolean;
  again: () => void;
}

/** What `now` gives at once where it is quick; else what `later` gives. */
function useLater<Value>(key: string, isQuick: boolean, now: () => Value, later: () => Promise<Value>): Later<Value> {
  const atOnce = useMemo(() => (isQuick ? { value: now() } : null), [key]);
  const [told, setTold] = useState<{ key: string; value: Value | undefined } | null>(null);
  const [asked, setAsked] = useState(0);
  useEffect(() => {
    if (isQuick) return;
    let isCurrent = true;
    // A worker that has failed is replaced: a second one may well answer.
    later()
      .catch(later)
      .then(
        (value) => isCurrent && setTold({ key, value }),
        () => isCurrent && setTold({ key, value: undefined }),
      );
    return () => {
      isCurrent = false;
    };
  }, [key, isQuick, asked]);
  const again = useCallback(() => {
    setTold(null);
    setAsked((times) => times + 1);
  }, []);
  if (atOnce) return { value: atOnce.value, hasFailed: false, again };
  const isTold = told?.key === key;
  return { value: isTold ? told.value : undefined, hasFailed: isTold && told.value === undefined, again };
}
