/** The worker beside the page: colours and compares long sources. */

import { compare } from "./diff_rows.ts";
import { tokenLines } from "./tokens.ts";
import type { Answer, Question } from "./worker_messages.ts";

addEventListener("message", ({ data }: MessageEvent<Question>) => {
  const answer: Answer =
    "code" in data
      ? { id: data.id, lines: tokenLines(data.code) }
      : { id: data.id, change: compare(data.before, data.after) };
  postMessage(answer);
});
