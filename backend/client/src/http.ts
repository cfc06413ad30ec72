/** Calls over HTTP with a bearer token: authentication, retries, errors. */

/**
 * Returns the bearer token. Called with "refused" when the server rejected the previous one; null then means: sign in
 * again. A rejection means that the token cannot be renewed right now; the client asks again later.
 */
export type TokenSource = (why: "needed" | "refused") => Promise<string | null>;

/** The API refused the call. `code` is stable; `detail` is a sentence for people. */
export class RefusedError extends Error {
  override name = "RefusedError";
  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string,
    readonly retryAfterSeconds: number | null = null,
  ) {
    super(detail);
  }
}

/** There was no response: no network, or no server. Every call but `createProject` is safe to repeat. */
export class UnreachableError extends Error {
  override name = "UnreachableError";
}

export interface ApiOptions {
  /** The API's URL; empty: the page's origin. */
  url: string;
  token?: TokenSource;
  timeoutMs?: number;
}

export interface CallOptions {
  body?: unknown;
  headers?: Record<string, string>;
}

const MAX_TRIES = 6;
const MAX_DELAY_MS = 5_000;

/** Makes the calls of `ApiClient`. */
export class HttpCaller {
  readonly #url: string;
  readonly #token: TokenSource;
  readonly #timeoutMs: number;

  constructor(options: ApiOptions) {
    this.#url = options.url.replace(/\/$/, "");
    this.#token = options.token ?? (async () => null);
    this.#timeoutMs = options.timeoutMs ?? 30_000;
  }

  /** Returns the body of the response. Rejects with RefusedError or UnreachableError. */
  async call<Body>(method: string, path: string, options: CallOptions = {}): Promise<Body> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#callOnce<Body>(method, path, options);
      } catch (error) {
        // The token could not be verified yet, so the call had no effect: it is repeated with the same token.
        const isUnverified = error instanceof RefusedError && error.code === "keys_unavailable";
        if (!isUnverified || tries === MAX_TRIES) throw error;
        await delay(Math.min((error.retryAfterSeconds ?? tries) * 1_000, MAX_DELAY_MS));
      }
    }
  }

  async #callOnce<Body>(method: string, path: string, options: CallOptions): Promise<Body> {
    const response = await this.#fetch(method, path, options, await this.#getToken("needed"));
    if (response.status !== 401) return readBody<Body>(response);
    const token = await this.#getToken("refused");
    return readBody<Body>(token === null ? response : await this.#fetch(method, path, options, token));
  }

  async #getToken(why: "needed" | "refused"): Promise<string | null> {
    try {
      return await this.#token(why);
    } catch (error) {
      throw new UnreachableError("The login cannot be renewed right now.", { cause: error });
    }
  }

  async #fetch(method: string, path: string, options: CallOptions, token: string | null): Promise<Response> {
    const headers: Record<string, string> = { Accept: "application/json", ...options.headers };
    if (token !== null) headers.Authorization = `Bearer ${token}`;
    if (options.body !== undefined) headers["Content-Type"] = "application/json";
    try {
      return await fetch(this.#url + path, {
        method,
        headers,
        body: options.body === undefined ? null : JSON.stringify(options.body),
        cache: "no-store",
        credentials: "omit",
        signal: AbortSignal.timeout(this.#timeoutMs),
      });
    } catch (error) {
      throw new UnreachableError("The server cannot be reached.", { cause: error });
    }
  }
}

/** Returns a call's result, or null where the API refused it or could not be reached. Any other rejection is passed on. */
export async function nullIfCallFails<Result>(call: Promise<Result>): Promise<Result | null> {
  try {
    return await call;
  } catch (error) {
    rethrowUnlessCallFailed(error);
    return null;
  }
}

export function rethrowUnlessCallFailed(error: unknown): asserts error is RefusedError | UnreachableError {
  if (!(error instanceof RefusedError || error instanceof UnreachableError)) throw error;
}

/** Whether the same call may succeed later. */
export function isTransient(error: RefusedError | UnreachableError): boolean {
  return error instanceof UnreachableError || error.status === 429 || error.status >= 500;
}

async function readBody<Body>(response: Response): Promise<Body> {
  let body: unknown;
  try {
    body = await response.json();
  } catch (error) {
    if (response.ok) throw new UnreachableError("The response was cut off.", { cause: error });
  }
  if (response.ok) return body as Body;
  const problem = (body ?? {}) as { code?: string; detail?: string; title?: string };
  const retryAfter = Number(response.headers.get("Retry-After"));
  throw new RefusedError(
    response.status,
    problem.code ?? `http_${response.status}`,
    problem.detail ?? problem.title ?? `The server answered with status ${response.status}.`,
    retryAfter > 0 ? retryAfter : null,
  );
}

function delay(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
