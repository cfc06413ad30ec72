import { afterEach, expect, test, vi } from "vitest";
import { ApiClient } from "../src/index.ts";

/** Serve these responses one after the other. Returns the tokens of the requests. */
function serve(...responses: [status: number, body: object][]): (string | null)[] {
  const tokens: (string | null)[] = [];
  vi.stubGlobal("fetch", async (_url: string, { headers }: RequestInit) => {
    tokens.push(new Headers(headers).get("Authorization"));
    const [status, body] = responses.shift() ?? [500, {}];
    return new Response(JSON.stringify(body), { status, headers: { "Retry-After": "1" } });
  });
  return tokens;
}

const UNVERIFIED: [number, object] = [503, { code: "keys_unavailable", detail: "The keys cannot be fetched." }];

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

async function getProject(responses: [number, object][]) {
  vi.useFakeTimers();
  const tokens = serve(...responses);
  const why: string[] = [];
  const token = async (reason: "needed" | "refused") => {
    why.push(reason);
    return "token";
  };
  const called = new ApiClient({ url: "http://server.example", token }).getProject("p");
  const ended = called.then(
    () => "succeeded",
    (error: { code: string }) => error.code,
  );
  await vi.advanceTimersByTimeAsync(60_000);
  return { outcome: await ended, tokens, why };
}

test("a token that cannot be verified right now is kept and sent again", async () => {
  const { outcome, tokens, why } = await getProject([UNVERIFIED, UNVERIFIED, [200, { project_id: "p" }]]);
  expect(outcome).toBe("succeeded");
  expect(tokens).toEqual(["Bearer token", "Bearer token", "Bearer token"]);
  expect(why).not.toContain("refused");
});

test("after some retries the call fails, still without a new sign-in", async () => {
  const { outcome, tokens, why } = await getProject(Array.from({ length: 20 }, () => UNVERIFIED));
  expect(outcome).toBe("keys_unavailable");
  expect(tokens).toHaveLength(6);
  expect(why).not.toContain("refused");
});

test("any other refusal is not retried", async () => {
  const { outcome, tokens } = await getProject([[503, { code: "storage_unavailable", detail: "" }]]);
  expect([outcome, tokens.length]).toEqual(["storage_unavailable", 1]);
});
