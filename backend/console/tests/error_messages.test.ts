import { RefusedError } from "@vibewire/client";
import { expect, test } from "vitest";
import { messageError, userError } from "../src/error_messages.ts";

test.each([
  ["cancelled", "The message was cancelled."],
  ["session_deleted", "The session was deleted."],
  ["conflict", "The code was changed by another user while the agent worked on it."],
  ["unreachable", "The server cannot be reached."],
  ["stale_version", "The code has changed: it is version 3 now."],
  ["project_not_found", "This project does not exist."],
])("a detail that repeats the title is left out: %s", (code, detail) => {
  const error = messageError({ code, detail });
  expect(error.detail).toBe("");
});

test("a detail that only the server knows is shown", () => {
  const detail = "Line 2: unexpected indent.";
  expect(messageError({ code: "invalid_code", detail }).detail).toBe(detail);
  expect(messageError({ code: "not_approved", detail: "The tool has no name." }).detail).toBe("The tool has no name.");
  expect(messageError({ code: "unknown_code", detail }).detail).toBe(detail);
});

test.each([
  [507, "storage_full"],
  [503, "storage_unavailable"],
  [500, "storage_damaged"],
  [503, "out_of_memory"],
  [503, "event_log_busy"],
])("a server failure does not advise to change the request: %i %s", (status, code) => {
  const { title, advice } = userError(new RefusedError(status, code, "Why."));
  expect(title).not.toBe("The server refused the request");
  expect(advice).toMatch(/again|operator/);
});
