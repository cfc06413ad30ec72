import type { Tree } from "@lezer/common";
import { useEffect, useMemo, useState } from "preact/hooks";
import { parseInSlices, parsePython, SHORT_SOURCE, type Token, tokensBetween } from "./python.ts";

export interface Source {
  code: string;
  /** Null while a long source is being parsed: it is shown without colours. */
  tree: Tree | null;
}

/** A source with its syntax tree. */
export function useSource(code: string): Source {
  const isShort = code.length <= SHORT_SOURCE;
  const short = useMemo(() => ({ code, tree: isShort ? parsePython(code) : null }), [code]);
  const [long, setLong] = useState<Source>(short);
  useEffect(() => {
    if (isShort) return;
    const controller = new AbortController();
    void parseInSlices(code, controller.signal).then((tree) => tree && setLong({ code, tree }));
    return () => controller.abort();
  }, [code]);
  return !isShort && long.code === code ? long : short;
}

/** The tokens of one line, which begins at `from`. */
export function tokensOf({ code, tree }: Source, from: number, line: string): readonly Token[] {
  return tree ? tokensBetween(code, tree, from, from + line.length) : [[line, ""]];
}
