/** The colours of a source while it is being written: there with each key, though colouring all of it takes long. */

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { type TokenLine, tokenLines } from "./tokens.ts";
import { beside } from "./worker_calls.ts";

// Up to here all of it is coloured with each key.
const SHORT = 12_000;
// New lines up to here are coloured by themselves until all is coloured anew.
const FEW_CHARACTERS = 2_000;
const PAUSE_MS = 100;

/** Lines of a source, and their colours. */
export interface Coloured {
  lines: readonly string[];
  tokens: readonly TokenLine[];
}

const NOTHING: Coloured = { lines: [], tokens: [] };

/** The lines of the text in colours. Those of a long one are a good guess until the worker has told them. */
export function useEditedTokens(text: string): Coloured {
  const told = useColouredBeside(text);
  const shown = useRef(NOTHING);
  const known = useRef(told);
  return useMemo(() => {
    const lines = text.split("\n");
    // From what was shown last, or from what the worker has just told of this text, or of one a few keys ago.
    const before = known.current === told ? shown.current : told;
    known.current = told;
    shown.current = { lines, tokens: text.length <= SHORT ? tokenLines(text) : carriedOver(before, lines) };
    return shown.current;
  }, [text, told]);
}

/** What the worker told last: asked for a long text when its writer pauses, and once at a time. */
function useColouredBeside(text: string): Coloured {
  const [told, setTold] = useState(NOTHING);
  const newest = useRef(text);
  const isAsking = useRef(false);
  newest.current = text;
  useEffect(() => {
    if (text.length <= SHORT) return;
    const ask = async () => {
      if (isAsking.current) return;
      isAsking.current = true;
      try {
        for (let asked = ""; asked !== newest.current; ) {
          asked = newest.current;
          setTold({ lines: asked.split("\n"), tokens: await beside.lines(asked) });
        }
      } catch {
        // The guess stays, and the next pause asks again; what failed stands in the browser's console.
      } finally {
        isAsking.current = false;
      }
    };
    const timer = setTimeout(() => void ask(), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return told;
}

/** The colours after an edit: of the lines above and below it they stay, of the new lines they are guessed. */
export function carriedOver(before: Coloured, lines: readonly string[]): readonly TokenLine[] {
  const most = Math.min(before.lines.length, lines.length);
  let above = 0;
  while (above < most && before.lines[above] === lines[above]) above++;
  let below = 0;
  while (below < most - above && before.lines.at(-1 - below) === lines.at(-1 - below)) below++;
  const old = before.tokens.slice(above, before.lines.length - below);
  return [
    ...before.tokens.slice(0, above),
    ...guessed(old, lines.slice(above, lines.length - below)),
    ...before.tokens.slice(before.lines.length - below),
  ];
}

function guessed(old: readonly TokenLine[], lines: readonly string[]): readonly TokenLine[] {
  // A line within a long string does not tell that it is in one; the line that it was did.
  const kinds = new Set(old.map((line) => (line.length === 1 ? line[0]?.[1] : "")));
  const [kind] = kinds;
  if (kinds.size === 1 && kind) return lines.map((line) => (line ? [[line, kind]] : []));
  const isLong = lines.reduce((sum, line) => sum + line.length, 0) > FEW_CHARACTERS;
  return lines.map((line) => (isLong ? plain(line) : (tokenLines(line)[0] ?? [])));
}

function plain(line: string): TokenLine {
  return line ? [[line, ""]] : [];
}
