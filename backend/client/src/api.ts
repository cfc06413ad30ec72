/** The HTTP API, call by call. */

import type {
  EventList,
  FullMessage,
  ListedProject,
  Message,
  MessageList,
  ModelResponse,
  Project,
  ProjectList,
  ResponsePart,
  Session,
  SessionList,
  VersionList,
} from "./contract.ts";

/**
 * Gives the bearer token; asked with "refused" when the one it gave last is no longer taken. Null: there is none, sign
 * in again. Where it rejects it is asked again later.
 */
export type TokenSource = (why: "needed" | "refused") => Promise<string | null>;

/** The API said no. `code` is stable; `detail` is a sentence for people. */
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

/** Nobody answered: no network, or no server. Every call but `createProject` is safe to repeat. */
export class UnreachableError extends Error {
  override name = "UnreachableError";
}

export interface ApiOptions {
  /** Where the API is; empty: where the page came from. */
  url: string;
  token?: TokenSource;
  timeoutMs?: number;
}

interface CallOptions {
  body?: unknown;
  headers?: Record<string, string>;
}

type Cursor = string | null | undefined;

const MOST_TRIES = 6;
const LONGEST_PAUSE_MS = 5_000;

/** Calls the API. Every method rejects with RefusedError or UnreachableError. */
export class ApiClient {
  readonly #url: string;
  readonly #token: TokenSource;
  readonly #timeoutMs: number;

  constructor(options: ApiOptions) {
    this.#url = options.url.replace(/\/$/, "");
    this.#token = options.token ?? (async () => null);
    this.#timeoutMs = options.timeoutMs ?? 30_000;
  }

  /** The caller's projects, newest first, without their code and nodes. */
  async listProjects(): Promise<ListedProject[]> {
    return this.#all("/projects?limit=200", (page: ProjectList) => page.projects);
  }

  async createProject(name: string, code?: string): Promise<Project> {
    return this.#call("POST", "/projects", { body: code === undefined ? { name } : { name, code } });
  }

  /** A project with its current code, or with that of one version. */
  async getProject(projectId: string, version?: number): Promise<Project> {
    return this.#call("GET", `/projects/${id(projectId)}${version === undefined ? "" : `?version=${version}`}`);
  }

  /** Rename, share, or edit the code by hand; a `base_version` that is no longer the newest is refused with 409. */
  async updateProject(
    projectId: string,
    change: { name?: string; members?: string[]; code?: string; base_version?: number },
  ): Promise<Project> {
    return this.#call("PATCH", `/projects/${id(projectId)}`, { body: change });
  }

  async deleteProject(projectId: string): Promise<void> {
    await this.#call("DELETE", `/projects/${id(projectId)}`);
  }

  /** The history of the code, newest first: one page. */
  async listVersions(projectId: string, cursor?: Cursor): Promise<VersionList> {
    return this.#call("GET", `/projects/${id(projectId)}/versions?limit=100${after(cursor)}`);
  }

  /** Start the project's conversation, or that of one node; or retrieve the one that exists. */
  async startSession(projectId: string, nodeId: string | null): Promise<Session> {
    return this.#call("POST", `/projects/${id(projectId)}/sessions`, { body: { node_id: nodeId } });
  }

  async listSessions(projectId: string): Promise<Session[]> {
    return this.#all(`/projects/${id(projectId)}/sessions?limit=200`, (page: SessionList) => page.sessions);
  }

  async getSession(sessionId: string): Promise<Session> {
    return this.#call("GET", `/sessions/${id(sessionId)}`);
  }

  async deleteSession(sessionId: string): Promise<void> {
    await this.#call("DELETE", `/sessions/${id(sessionId)}`);
  }

  /** Queue a prompt without waiting for its end. Safe to repeat with the same message id. */
  async sendMessage(sessionId: string, messageId: string, prompt: string): Promise<Message> {
    return this.#call("POST", `/sessions/${id(sessionId)}/messages`, {
      body: { prompt, message_id: messageId },
      headers: { Prefer: "respond-async" },
    });
  }

  /** A page of the conversation, newest first. */
  async listMessages(sessionId: string, limit: number, cursor?: Cursor): Promise<MessageList> {
    return this.#call("GET", `/sessions/${id(sessionId)}/messages?order=desc&limit=${limit}${after(cursor)}`);
  }

  async getMessage(messageId: string): Promise<Message> {
    return this.#call("GET", `/messages/${id(messageId)}`);
  }

  async cancelMessage(messageId: string): Promise<Message> {
    return this.#call("POST", `/messages/${id(messageId)}/cancel`);
  }

  /** Everything the model said; what comes in pieces is put together. */
  async getFullMessage(messageId: string): Promise<FullMessage> {
    const full = await this.#call<FullMessage>("GET", `/messages/${id(messageId)}/full`);
    const responses: ModelResponse[] = [];
    for (const response of full.openai_response.responses) {
      responses.push(response.response === null && response.href ? await this.#wholeResponse(response) : response);
    }
    return { ...full, openai_response: { responses } };
  }

  /** The event log after a number: one page. */
  async listEvents(sessionId: string, afterSeq: number, limit = 200): Promise<EventList> {
    return this.#call("GET", `/sessions/${id(sessionId)}/events?after=${afterSeq}&limit=${limit}`);
  }

  async #wholeResponse(response: ModelResponse): Promise<ModelResponse> {
    let href: string | null = response.href;
    let text = "";
    while (href) {
      const found: FullMessage | ResponsePart = await this.#call<FullMessage | ResponsePart>("GET", href);
      if ("openai_response" in found) {
        const next: ModelResponse | undefined = found.openai_response.responses[0];
        if (!next || next.response !== null || !next.href) return next ?? response;
        href = next.href;
      } else {
        text += found.text;
        href = found.next_href;
      }
    }
    return { ...response, response: JSON.parse(text) as Record<string, unknown> };
  }

  async #all<Page extends { next_cursor: string | null }, Item>(
    path: string,
    items: (page: Page) => Item[],
  ): Promise<Item[]> {
    const found: Item[] = [];
    let cursor: Cursor;
    do {
      const page: Page = await this.#call<Page>("GET", path + after(cursor));
      found.push(...items(page));
      cursor = page.next_cursor;
    } while (cursor);
    return found;
  }

  async #call<Answer>(method: string, path: string, options: CallOptions = {}): Promise<Answer> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#callOnce<Answer>(method, path, options);
      } catch (error) {
        // The token was not judged, so nothing was done: the same call is made again, with the same token.
        const isUnjudged = error instanceof RefusedError && error.code === "keys_unavailable";
        if (!isUnjudged || tries === MOST_TRIES) throw error;
        await pause(Math.min((error.retryAfterSeconds ?? tries) * 1_000, LONGEST_PAUSE_MS));
      }
    }
  }

  async #callOnce<Answer>(method: string, path: string, options: CallOptions): Promise<Answer> {
    const answer = await this.#fetch(method, path, options, await this.#getToken("needed"));
    if (answer.status !== 401) return read<Answer>(answer);
    const token = await this.#getToken("refused");
    return read<Answer>(token === null ? answer : await this.#fetch(method, path, options, token));
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

async function read<Answer>(answer: Response): Promise<Answer> {
  let body: unknown;
  try {
    body = await answer.json();
  } catch (error) {
    if (answer.ok) throw new UnreachableError("The server's answer broke off.", { cause: error });
  }
  if (answer.ok) return body as Answer;
  const problem = (body ?? {}) as { code?: string; detail?: string; title?: string };
  const wait = Number(answer.headers.get("Retry-After"));
  throw new RefusedError(
    answer.status,
    problem.code ?? `http_${answer.status}`,
    problem.detail ?? problem.title ?? `The server answered with status ${answer.status}.`,
    wait > 0 ? wait : null,
  );
}

const id = encodeURIComponent;

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

function after(cursor: Cursor): string {
  return cursor ? `&cursor=${encodeURIComponent(cursor)}` : "";
}
