/** The messages between the page and its worker. */

import type { Change } from "./diff_rows.ts";
import type { TokenLine } from "./tokens.ts";

export type Question = { id: number } & ({ code: string } | { before: string; after: string });
export type Answer = { id: number; lines: TokenLine[] } | { id: number; change: Change | null };
