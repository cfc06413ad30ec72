import { useEffect, useMemo, useState } from "preact/hooks";
import { type Change, compare } from "./diff_rows.ts";
import { type TokenLine, tokenLines } from "./tokens.ts";
import { compareBeside, linesBeside } from "./worker_calls.ts";

const SHORT = 12_000;

/** The coloured lines of a source; null while a long one is being coloured. */
export function useTokens(code: string): readonly TokenLine[] | null {
  const isShort = code.length <= SHORT;
  const found = useLater(
    code,
    isShort,
    () => tokenLines(code),
    () => linesBeside(code),
  );
  return found ?? null;
}

/** The change between two sources: undefined while it is being looked for, null where they differ too much. */
export function useChange(before: string, after: string): Change | null | undefined {
  return useLater(
    `${before}\0${after}`,
    before.length + after.length <= 2 * SHORT,
    () => compare(before, after),
    () => compareBeside(before, after),
  );
}

/** What `now` gives at once where it is quick; else what `beside` gives later, undefined until then. */
function useLater<Value>(
  key: string,
  isQuick: boolean,
  now: () => Value,
  beside: () => Promise<Value>,
): Value | undefined {
  const atOnce = useMemo(() => (isQuick ? { value: now() } : null), [key]);
  const [later, setLater] = useState<{ key: string; value: Value } | null>(null);
  useEffect(() => {
    if (isQuick) return;
    let isCurrent = true;
    void beside().then((value) => isCurrent && setLater({ key, value }));
    return () => {
      isCurrent = false;
    };
  }, [key, isQuick]);
  return atOnce ? atOnce.value : later?.key === key ? later.value : undefined;
}
