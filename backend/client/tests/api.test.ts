import { afterEach, expect, test, vi } from "vitest";
import { ApiClient } from "../src/index.ts";

/** A server that gives these answers one after the other; the tokens that it was sent. */
function serve(...answers: [status: number, body: object][]): (string | null)[] {
  const tokens: (string | null)[] = [];
  vi.stubGlobal("fetch", async (_url: string, { headers }: RequestInit) => {
    tokens.push(new Headers(headers).get("Authorization"));
    const [status, body] = answers.shift() ?? [500, {}];
    return new Response(JSON.stringify(body), { status, headers: { "Retry-After": "1" } });
  });
  return tokens;
}

const UNJUDGED: [number, object] = [503, { code: "keys_unavailable", detail: "The keys cannot be fetched." }];

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

async function asked(answers: [number, object][]) {
  vi.useFakeTimers();
  const tokens = serve(...answers);
  const why: string[] = [];
  const token = async (reason: "needed" | "refused") => {
    why.push(reason);
    return "token";
  };
  const called = new ApiClient({ url: "http://server.example", token }).getProject("p");
  const ended = called.then(
    () => "answered",
    (error: { code: string }) => error.code,
  );
  await vi.advanceTimersByTimeAsync(60_000);
  return { outcome: await ended, tokens, why };
}

test("a token that cannot be judged right now is sent again, and not given up", async () => {
  const { outcome, tokens, why } = await asked([UNJUDGED, UNJUDGED, [200, { project_id: "p" }]]);
  expect(outcome).toBe("answered");
  expect(tokens).toEqual(["Bearer token", "Bearer token", "Bearer token"]);
  expect(why).not.toContain("refused");
});

test("after some tries it is told, still without a new sign-in", async () => {
  const { outcome, tokens, why } = await asked(Array.from({ length: 20 }, () => UNJUDGED));
  expect(outcome).toBe("keys_unavailable");
  expect(tokens).toHaveLength(6);
  expect(why).not.toContain("refused");
});

test("any other refusal is told at once", async () => {
  const { outcome, tokens } = await asked([[503, { code: "storage_unavailable", detail: "" }]]);
  expect([outcome, tokens.length]).toEqual(["storage_unavailable", 1]);
});
