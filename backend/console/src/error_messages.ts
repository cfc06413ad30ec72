/** Errors as users read them: what happened, and what to do. */

import { RefusedError, UnreachableError } from "@vibewire/client";

export interface UserError {
  title: string;
  detail: string;
  advice: string;
}

/** Errors that end a message, by code. */
const MESSAGE_ERRORS: Record<string, [title: string, advice: string]> = {
  not_approved: ["The Evaluator rejected three tries", "Say more precisely what you want, or ask for a smaller step."],
  conflict: ["Another user changed the same lines", "Look at the newest code, then try again."],
  model_unavailable: ["The model could not be reached", "Try again in a minute."],
  model_misbehaved: ["The model's answers could not be used", "Try again, or rephrase the request."],
  model_refused: [
    "The model's server refused the request",
    "Sending it again does not help: change the request, or the model settings.",
  ],
  model_silent: ["The model's server sent nothing for too long", "Try again, or ask for a smaller step."],
  model_too_slow: ["A model response took too long", "Ask for a smaller step."],
  context_too_long: [
    "The conversation and the code are too long for the model",
    "Start a new conversation, or shorten the code.",
  ],
  answer_cut_off: ["The model's answer was cut off at its limit", "Ask for a smaller step."],
  agent_failed: ["The agent is not configured correctly", "Contact the server's operator."],
  model_quota: ["The model account's quota is used up", "Sending it again does not help until the quota is raised."],
  too_many_steps: ["The agent took too many steps", "Ask for a smaller step."],
  turn_deadline: ["It took too long", "Ask for a smaller step."],
  memory_busy: ["The conversation's memory was in use", "Try again in a minute."],
  memory_unavailable: [
    "The conversation's memory could not be used",
    "Try again in a minute. If it keeps happening, start a new conversation.",
  ],
  attempts_spent: ["The worker failed three times", "Try again. If it keeps happening, contact the server's operator."],
  internal_error: ["Internal server error", "Try again. If it keeps happening, contact the server's operator."],
  lease_not_extended: ["The worker lost its lease on the turn", "Try again in a minute."],
  event_log_busy: ["Too many writes to this conversation", "Try again in a few seconds."],
  cancelled: ["Cancelled", "Nothing was changed."],
  session_deleted: ["The conversation was deleted", "Start a new one."],
  unreachable: ["Not sent yet: no connection", "It is sent automatically when the connection is back."],
  too_many_queued_messages: ["Too many messages are queued", "Wait until some of them have finished, then try again."],
  prompt_too_long: ["The message is too long", "Shorten it and send it again."],
};

/** Errors of API calls, by code. */
const CALL_ERRORS: Record<string, [title: string, advice: string]> = {
  project_not_found: [
    "This project does not exist, or it is not shared with you",
    "Ask its owner to share it, or choose another one.",
  ],
  access_lost: ["You may no longer see this project", "Ask its owner to share it with you again."],
  session_not_found: ["This conversation was deleted", "Start a new one."],
  owner_only: ["Only the project's owner may do that", "Ask the owner."],
  stale_version: ["Another user has changed the code", "Merge their change, check the result, and save again."],
  invalid_code: ["This is not valid Python", "Correct the line that is named, and save again."],
  code_too_large: ["The code is too large", "Make it smaller, and save again."],
  version_not_found: ["This version does not exist", "Choose another one."],
  invalid_token: ["Your sign-in has expired", "Sign in again."],
  keys_unavailable: ["Your sign-in cannot be verified right now", "Try again in a moment."],
  storage_full: ["The server's disk is full", "Contact the server's operator, and try again when there is room."],
  storage_unavailable: ["The server's storage is unavailable right now", "Try again in a minute."],
  storage_damaged: ["The server's storage is damaged", "Contact the server's operator: a backup must be restored."],
  out_of_memory: ["The server is out of memory", "Try again in a minute."],
};

// The server's `detail` of these adds nothing to the title.
const WITHOUT_DETAIL: ReadonlySet<string> = new Set([
  ...["cancelled", "session_deleted", "unreachable", "conflict", "access_lost", "invalid_token", "keys_unavailable"],
  ...["project_not_found", "session_not_found", "version_not_found", "owner_only", "stale_version"],
]);

/** Why a message failed or could not be sent. */
export function messageError(error: { code: string; detail: string }): UserError {
  const text = MESSAGE_ERRORS[error.code] ?? CALL_ERRORS[error.code] ?? (["It did not work", "Try again."] as const);
  return withDetail(text, error);
}

function withDetail(
  [title, advice]: readonly [string, string],
  { code, detail }: { code: string; detail: string },
): UserError {
  return { title, detail: WITHOUT_DETAIL.has(code) ? "" : detail, advice };
}

/** Why a call failed. Any error that is not from the API is a bug of this page. */
export function userError(error: unknown): UserError {
  if (error instanceof UnreachableError) {
    return { title: "The server cannot be reached", detail: "", advice: "Check your connection, then try again." };
  }
  if (error instanceof RefusedError) {
    const known = CALL_ERRORS[error.code] ?? MESSAGE_ERRORS[error.code];
    if (known) return withDetail(known, error);
    if (error.status === 401) return { title: "You are not signed in", detail: error.detail, advice: "Sign in." };
    if (error.status === 429)
      return { title: "Too many requests", detail: error.detail, advice: "Try again in a minute." };
    return { title: "The server refused the request", detail: error.detail, advice: "Correct it, and try again." };
  }
  return { title: "Something went wrong in this page", detail: String(error), advice: "Reload the page." };
}

/** Why a project that was open can no longer be read. */
export function accessError({ code }: { code: string }): UserError {
  return userError(new RefusedError(404, code, ""));
}
