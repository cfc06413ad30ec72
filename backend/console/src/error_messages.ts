/** What went wrong, in words, with what to do. */

import { RefusedError, UnreachableError } from "@vibewire/client";

export interface UserError {
  title: string;
  detail: string;
  /** What the reader can do. */
  advice: string;
}

const OF_A_MESSAGE: Record<string, [title: string, advice: string]> = {
  not_approved: ["The Evaluator rejected three tries", "Say more precisely what you want, or ask for a smaller step."],
  conflict: ["Somebody else changed the same place", "Look at the newest code, then try again."],
  model_unavailable: ["The model could not be reached", "Try again in a minute."],
  model_misbehaved: ["The model's answers could not be used", "Try again, or word the request differently."],
  model_refused: [
    "The model's server refused the request",
    "Sending it again does not help: change the request, or the model settings.",
  ],
  model_silent: ["The model's server said nothing for too long", "Try again, or ask for a smaller step."],
  model_too_slow: ["One answer of the model took too long", "Ask for a smaller step."],
  context_too_long: [
    "The conversation and the code are too long for the model",
    "Start a new conversation, or shorten the code.",
  ],
  answer_cut_off: ["The model's answer was cut off at its limit", "Ask for less at once."],
  agent_failed: ["The agent cannot be run as it is set up", "Tell the server's operator."],
  model_quota: ["The model account's quota is used up", "Sending it again does not help until the quota is raised."],
  too_many_steps: ["The agent did not come to an end", "Ask for a smaller step."],
  turn_deadline: ["It took too long", "Ask for a smaller step."],
  memory_busy: ["The conversation's memory was in use", "Try again in a minute."],
  memory_unavailable: [
    "The conversation's memory could not be used",
    "Try again in a minute; if it stays so, start a new conversation.",
  ],
  attempts_spent: ["The workers died three times over", "Try again; if it happens again, tell the server's operator."],
  internal_error: ["Something is broken on the server", "Try again; if it happens again, tell the server's operator."],
  lease_not_extended: ["The server lost hold of the turn", "Try again in a minute."],
  event_log_busy: ["Too much was written to this conversation at once", "Try again in a few seconds."],
  cancelled: ["Cancelled", "Nothing was changed."],
  session_deleted: ["The conversation was deleted", "Start a new one."],
  unreachable: ["Not sent yet: no connection", "It is sent by itself when the connection is back."],
  too_many_queued_messages: ["Too many messages are waiting", "Let some of them finish, then try again."],
  prompt_too_long: ["The message is too long", "Shorten it, and send it again."],
};

const OF_A_CALL: Record<string, [title: string, advice: string]> = {
  project_not_found: [
    "There is no such project, or it is not shared with you",
    "Ask its owner to share it, or choose another one.",
  ],
  access_lost: ["You may no longer see this project", "Ask its owner to share it with you again."],
  session_not_found: ["This conversation is gone", "Start a new one."],
  owner_only: ["Only the project's owner may do that", "Ask the owner."],
  stale_version: ["Somebody changed the code meanwhile", "Bring their change in, look at the result, and save again."],
  invalid_code: ["This is not valid Python", "Mend the line that is named, and save again."],
  code_too_large: ["The code is too large", "Make it smaller, and save again."],
  version_not_found: ["There is no such version", "Choose another one."],
  invalid_token: ["Your sign-in has expired", "Sign in again."],
  keys_unavailable: ["Your sign-in cannot be checked for now", "Try again in a moment."],
  storage_full: ["The server's disk is full", "Tell the server's operator, and try again when there is room."],
  storage_unavailable: ["The server's store cannot be used for now", "Try again in a minute."],
  storage_damaged: ["The server's store is damaged", "Tell the server's operator: a backup must be restored."],
  out_of_memory: ["The server has too little memory left", "Try again in a minute."],
};

// Of these the title says all that the server's own words do.
const TITLE_IS_ALL: ReadonlySet<string> = new Set([
  ...["cancelled", "session_deleted", "unreachable", "conflict", "access_lost", "invalid_token", "keys_unavailable"],
  ...["project_not_found", "session_not_found", "version_not_found", "owner_only", "stale_version"],
]);

export function messageError(error: { code: string; detail: string }): UserError {
  const words = OF_A_MESSAGE[error.code] ?? OF_A_CALL[error.code] ?? (["It did not work", "Try again."] as const);
  return told(words, error);
}

function told(
  [title, advice]: readonly [string, string],
  { code, detail }: { code: string; detail: string },
): UserError {
  return { title, detail: TITLE_IS_ALL.has(code) ? "" : detail, advice };
}

export function userError(error: unknown): UserError {
  if (error instanceof UnreachableError) {
    return { title: "The server cannot be reached", detail: "", advice: "Check your connection, then try again." };
  }
  if (error instanceof RefusedError) {
    const known = OF_A_CALL[error.code] ?? OF_A_MESSAGE[error.code];
    if (known) return told(known, error);
    if (error.status === 401) return { title: "You are not signed in", detail: error.detail, advice: "Sign in." };
    if (error.status === 429)
      return { title: "Too much at once", detail: error.detail, advice: "Try again in a minute." };
    return { title: "The server said no", detail: error.detail, advice: "Change what it names, and try again." };
  }
  return { title: "Something went wrong in this page", detail: String(error), advice: "Reload the page." };
}

/** Why a project that was open can no longer be read. */
export function accessError({ code }: { code: string }): UserError {
  return userError(new RefusedError(404, code, ""));
}
