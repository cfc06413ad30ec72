import { RefusedError } from "@vibewire/client";
import { expect, test } from "vitest";
import { messageError, userError } from "../src/error_messages.ts";

test.each([
  ["cancelled", "The message was cancelled."],
  ["session_deleted", "The session was deleted."],
  ["conflict", "The code was changed by somebody else while the agent worked on it."],
  ["unreachable", "The server cannot be reached."],
  ["stale_version", "The code was changed meanwhile: it is version 3 now."],
  ["project_not_found", "There is no such project."],
])("nothing is said twice: %s", (code, detail) => {
  const error = messageError({ code, detail });
  expect(error.detail).toBe("");
});

test("what only the server knows is said", () => {
  const detail = "Line 2: unexpected indent.";
  expect(messageError({ code: "invalid_code", detail }).detail).toBe(detail);
  expect(messageError({ code: "not_approved", detail: "The tool has no name." }).detail).toBe("The tool has no name.");
  expect(messageError({ code: "unheard_of", detail }).detail).toBe(detail);
});

test.each([
  [507, "storage_full"],
  [503, "storage_unavailable"],
  [500, "storage_damaged"],
  [503, "out_of_memory"],
  [503, "event_log_busy"],
])("nobody is asked to change a request that the server could not serve: %i %s", (status, code) => {
  const { title, advice } = userError(new RefusedError(status, code, "Why."));
  expect(title).not.toBe("The server said no");
  expect(advice).toMatch(/again|operator/);
});
