/** Sends prompts, and keeps those that the API did not receive until it does. */

import type { ApiClient } from "./api.ts";
import { RefusedError, rethrowUnlessCallFailed } from "./http.ts";
import { mergeMessage } from "./merge.ts";
import type { MessageState } from "./project_state.ts";
import type { StateStore } from "./state_store.ts";
import { newMessage, withMessage } from "./state_updates.ts";

const UNREACHABLE = "unreachable";

export class Outbox {
  readonly #api: ApiClient;
  readonly #store: StateStore;
  /** By message id. */
  readonly #prompts = new Map<string, string>();

  constructor(api: ApiClient, store: StateStore) {
    this.#api = api;
    this.#store = store;
  }

  async send(sessionId: string, prompt: string): Promise<void> {
    const messageId = uuid();
    const message = newMessage(messageId, new Date().toISOString());
    this.#store.changeSession(sessionId, (session) => withMessage(session, { ...message, prompt, status: "sending" }));
    this.#prompts.set(messageId, prompt);
    await this.#deliver(sessionId, messageId);
  }

  async resend(sessionId: string, messageId: string): Promise<void> {
    this.#store.updateMessage(sessionId, messageId, { status: "sending", error: null });
    await this.#deliver(sessionId, messageId);
  }

  /** Send the messages again that did not reach the API. Those that it refused are left to the user. */
  resendUnreached(): void {
    for (const { session, messages } of this.#store.state.sessions.values()) {
      for (const { messageId, status, error } of messages) {
        if (status === "unsent" && error?.code === UNREACHABLE) void this.resend(session.session_id, messageId);
      }
    }
  }

  discard(sessionId: string, messageId: string): void {
    this.#prompts.delete(messageId);
    const isKept = (message: MessageState) => message.messageId !== messageId || message.status !== "unsent";
    this.#store.changeSession(sessionId, (session) => ({ ...session, messages: session.messages.filter(isKept) }));
  }

  async #deliver(sessionId: string, messageId: string): Promise<void> {
    const prompt = this.#prompts.get(messageId);
    if (prompt === undefined) return;
    try {
      const response = await this.#api.sendMessage(sessionId, messageId, prompt);
      this.#prompts.delete(messageId);
      this.#store.changeSession(sessionId, (session) => mergeMessage(session, response));
    } catch (error) {
      rethrowUnlessCallFailed(error);
      const message = this.#store.session(sessionId)?.messages.find((one) => one.messageId === messageId);
      // The API received it though its response was lost: an event has changed the status since.
      if (message?.status !== "sending") return;
      const code = error instanceof RefusedError ? error.code : UNREACHABLE;
      this.#store.updateMessage(sessionId, messageId, { status: "unsent", error: { code, detail: error.message } });
    }
  }
}

/** A version 4 UUID. `crypto.randomUUID` is missing where the page is not in a secure context. */
function uuid(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
