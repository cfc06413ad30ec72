import { isOpen, type ProjectFeed, type SessionState, sessionTokens } from "@vibewire/client";
import { useCallback, useRef, useState } from "preact/hooks";
import { promptKey } from "../drafts.ts";
import { type UserError, userError } from "../error_messages.ts";
import { count } from "../format.ts";
import { Activity } from "./activity.tsx";
import { Composer } from "./composer.tsx";
import { DeleteSession } from "./delete_session.tsx";
import { ErrorNotice } from "./error_notice.tsx";
import { MessageView } from "./message_view.tsx";

import { Name } from "./seen.tsx";
import type { Shown } from "./shown.ts";
import { Suggestions } from "./suggestions.tsx";
import { useStickyEnd } from "./use_sticky_end.ts";

interface Props {
  feed: ProjectFeed;
  session: SessionState | null;
  nodeId: string | null;
  /** The code has no agent of that name. */
  isAgentMissing: boolean;
  problem: UserError | null;
  typedAhead: (() => string) | null;
  onStart: () => void;
  onShow: (shown: Shown) => void;
}

/** The conversation panel: the messages, the progress of the running turn, and the field for the next prompt. */
export function Conversation({ feed, session, nodeId, isAgentMissing, problem, typedAhead, onStart, onShow }: Props) {
  const [failed, setFailed] = useState<UserError | null>(null);
  const { scroller, content, isAtEnd, toEnd } = useStickyEnd();
  const composer = useRef<HTMLTextAreaElement>(null);
  const sessionId = session?.session.session_id;
  const attempt = useCallback(async (work: Promise<void>) => {
    try {
      await work;
      setFailed(null);
    } catch (error) {
      setFailed(userError(error));
    }
  }, []);
  const cancel = useCallback(
    (messageId: string) => sessionId && void attempt(feed.cancel(sessionId, messageId)),
    [feed, sessionId],
  );
  const discard = useCallback(
    (messageId: string) => sessionId && feed.discard(sessionId, messageId),
    [feed, sessionId],
  );
  const resend = useCallback(
    (messageId: string) => sessionId && void feed.resend(sessionId, messageId),
    [feed, sessionId],
  );
  const send = useCallback(
    (prompt: string) => {
      if (!sessionId) return;
      void attempt(feed.send(sessionId, prompt));
      toEnd();
    },
    [feed, sessionId],
  );
  const choose = useCallback(
    (prompt: string) => {
      send(prompt);
      // The clicked button is no longer there. On a touch screen the focus would open the keyboard.
      if (matchMedia("(pointer: fine)").matches) composer.current?.focus();
    },
    [send],
  );
  const isReady = session !== null && session.loaded !== "none" && !session.isDeleted;
  const running = session?.messages.find((message) => message.status === "running");
  return (
    <section class="panel conversation" aria-label="Conversation">
      <div class="section-head">
        <h2>
          <Name text={nodeId ?? "Entire project"} />
        </h2>
        {session && <Meter session={session} />}
        <span class="spring" />
        {isReady && session.messages.length > 0 && (
          <DeleteSession feed={feed} session={session} onProblem={setFailed} />
        )}
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <div class="scroller" ref={scroller} tabIndex={0} role="log" aria-live="off" aria-label="Messages">
        <div class="messages" ref={content}>
          {session?.loaded === "newest" && (
            <button
              type="button"
              class="small older"
              disabled={session.isLoading}
              onClick={() => sessionId && void attempt(feed.loadOlder(sessionId))}
            >
              {session.isLoading ? "Loading…" : "Earlier messages"}
            </button>
          )}
          {isReady && session.messages.length === 0 && <Suggestions nodeId={nodeId} onChoose={choose} />}
          {!isReady && !problem && !session?.isDeleted && <p class="faint loading">Loading the conversation…</p>}
          {session?.messages.map((message, at) => (
            <MessageView
              key={message.messageId}
              message={message}
              waitsFor={message.status === "queued" ? session.messages.slice(0, at).filter(isOpen).length : 0}
              onCancel={cancel}
              onResend={resend}
              onDiscard={discard}
              onTryAgain={send}
              onShow={onShow}
            />
          ))}
        </div>
      </div>
      {!isAtEnd && (
        <button type="button" class="to-end small" onClick={toEnd}>
          ↓ Newest
        </button>
      )}
      <div class="activity">
        {running ? <Activity message={running} onCancel={cancel} /> : <Idle session={session} />}
      </div>
      {nodeId !== null && isAgentMissing && (
        <p class="faint agent-missing" role="status">
          There is no agent '{nodeId}' in the code yet. Say what it is to do, and VibeCoder creates it.
        </p>
      )}
      {problem && <ErrorNotice error={problem} actions={[["Try again", onStart]]} />}
      {failed && <ErrorNotice error={failed} onClose={() => setFailed(null)} />}
      {session?.isDeleted ? (
        <ErrorNotice
          error={{
            title: "This conversation was deleted",
            detail: "",
            advice: "Its memory was deleted too. You can start a new one.",
          }}
          actions={[["Start a new one", onStart]]}
        />
      ) : (
        <Composer
          draftKey={promptKey(feed.projectId, nodeId)}
          isReady={isReady}
          typedAhead={typedAhead}
          field={composer}
          onSend={send}
        />
      )}
    </section>
  );
}

function Idle({ session }: { session: SessionState | null }) {
  const waiting = session?.messages.filter(isOpen).length ?? 0;
  if (waiting > 0) return <span class="faint">{count(waiting, "message")} waiting</span>;
  return (
    <span class="faint">
      Enter sends, Shift+Enter makes a new line<span class="if-room">, / comes here</span>
    </span>
  );
}

function Meter({ session }: { session: SessionState }) {
  const tokens = sessionTokens(session);
  const title = `${tokens.prompt_tokens.toLocaleString("en")} read, ${tokens.completion_tokens.toLocaleString("en")} written`;
  return (
    <span class="meter" title={title}>
      {count(tokens.total_tokens, "token")}
    </span>
  );
}
