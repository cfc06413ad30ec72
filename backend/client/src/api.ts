/** The HTTP API, one method a call. */

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
import { type ApiOptions, HttpCaller } from "./http.ts";

type Cursor = string | null | undefined;

export interface ProjectChange {
  name?: string;
  members?: string[];
  code?: string;
  /** The version that `code` was made from. */
  base_version?: number;
}

/** Calls the API. Every method rejects with RefusedError or UnreachableError. */
export class ApiClient {
  readonly #http: HttpCaller;

  constructor(options: ApiOptions) {
    this.#http = new HttpCaller(options);
  }

  /** The caller's projects, newest first, without their code and nodes. */
  async listProjects(): Promise<ListedProject[]> {
    return this.#listAll("/projects?limit=200", (page: ProjectList) => page.projects);
  }

  async createProject(name: string, code?: string): Promise<Project> {
    return this.#http.call("POST", "/projects", { body: code === undefined ? { name } : { name, code } });
  }

  /** A project with its current code, or the code of one version. */
  async getProject(projectId: string, version?: number): Promise<Project> {
    return this.#http.call("GET", `/projects/${id(projectId)}${version === undefined ? "" : `?version=${version}`}`);
  }

  /** Rename, share, or edit the code; a `base_version` that is not current is refused with 409. */
  async updateProject(projectId: string, change: ProjectChange): Promise<Project> {
    return this.#http.call("PATCH", `/projects/${id(projectId)}`, { body: change });
  }

  async deleteProject(projectId: string): Promise<void> {
    await this.#http.call("DELETE", `/projects/${id(projectId)}`);
  }

  /** One page of the code's versions, newest first. */
  async listVersions(projectId: string, cursor?: Cursor): Promise<VersionList> {
    return this.#http.call("GET", `/projects/${id(projectId)}/versions?limit=100${cursorParameter(cursor)}`);
  }

  /** Start the session of the project, or of one node; returns the existing one if there is one. */
  async startSession(projectId: string, nodeId: string | null): Promise<Session> {
    return this.#http.call("POST", `/projects/${id(projectId)}/sessions`, { body: { node_id: nodeId } });
  }

  async listSessions(projectId: string): Promise<Session[]> {
    return this.#listAll(`/projects/${id(projectId)}/sessions?limit=200`, (page: SessionList) => page.sessions);
  }

  async getSession(sessionId: string): Promise<Session> {
    return this.#http.call("GET", `/sessions/${id(sessionId)}`);
  }

  async deleteSession(sessionId: string): Promise<void> {
    await this.#http.call("DELETE", `/sessions/${id(sessionId)}`);
  }

  /** Queue a prompt without waiting for the answer. Idempotent by the message id. */
  async sendMessage(sessionId: string, messageId: string, prompt: string): Promise<Message> {
    return this.#http.call("POST", `/sessions/${id(sessionId)}/messages`, {
      body: { prompt, message_id: messageId },
      headers: { Prefer: "respond-async" },
    });
  }

  /** One page of a session's messages, newest first. */
  async listMessages(sessionId: string, limit: number, cursor?: Cursor): Promise<MessageList> {
    const parameters = `order=desc&limit=${limit}${cursorParameter(cursor)}`;
    return this.#http.call("GET", `/sessions/${id(sessionId)}/messages?${parameters}`);
  }

  async getMessage(messageId: string): Promise<Message> {
    return this.#http.call("GET", `/messages/${id(messageId)}`);
  }

  async cancelMessage(messageId: string): Promise<Message> {
    return this.#http.call("POST", `/messages/${id(messageId)}/cancel`);
  }

  /** Every model response of a message; those that the API serves in parts are joined. */
  async getFullMessage(messageId: string): Promise<FullMessage> {
    const full = await this.#http.call<FullMessage>("GET", `/messages/${id(messageId)}/full`);
    const responses: ModelResponse[] = [];
    for (const response of full.openai_response.responses) {
      responses.push(response.response === null && response.href ? await this.#joinParts(response) : response);
    }
    return { ...full, openai_response: { responses } };
  }

  /** One page of a session's event log, after a `seq`. */
  async listEvents(sessionId: string, afterSeq: number, limit = 200): Promise<EventList> {
    return this.#http.call("GET", `/sessions/${id(sessionId)}/events?after=${afterSeq}&limit=${limit}`);
  }

  async #joinParts(response: ModelResponse): Promise<ModelResponse> {
    let href: string | null = response.href;
    let text = "";
    while (href) {
      const page: FullMessage | ResponsePart = await this.#http.call<FullMessage | ResponsePart>("GET", href);
      if ("openai_response" in page) {
        const next: ModelResponse | undefined = page.openai_response.responses[0];
        if (!next || next.response !== null || !next.href) return next ?? response;
        href = next.href;
      } else {
        text += page.text;
        href = page.next_href;
      }
    }
    return { ...response, response: JSON.parse(text) as Record<string, unknown> };
  }

  async #listAll<Page extends { next_cursor: string | null }, Item>(
    path: string,
    itemsOf: (page: Page) => Item[],
  ): Promise<Item[]> {
    const items: Item[] = [];
    let cursor: Cursor;
    do {
      const page: Page = await this.#http.call<Page>("GET", path + cursorParameter(cursor));
      items.push(...itemsOf(page));
      cursor = page.next_cursor;
    } while (cursor);
    return items;
  }
}

const id = encodeURIComponent;

function cursorParameter(cursor: Cursor): string {
  return cursor ? `&cursor=${encodeURIComponent(cursor)}` : "";
}
