import type { ProjectFeed, SessionState } from "@vibewire/client";
import { useState } from "preact/hooks";
import { type UserError, userError } from "../error_messages.ts";
import { Menu } from "./menu.tsx";

interface Props {
  feed: ProjectFeed;
  session: SessionState;
  onProblem: (problem: UserError) => void;
}

/** A menu that deletes the conversation, after a confirmation. */
export function DeleteSession({ feed, session, onProblem }: Props) {
  const [isAsking, setAsking] = useState(false);
  const confirm = () => {
    setAsking(false);
    feed.deleteSession(session.session.session_id).catch((error: unknown) => onProblem(userError(error)));
  };
  return isAsking ? (
    <>
      <button type="button" class="small danger" onClick={confirm}>
        Delete for everybody
      </button>
      <button type="button" class="small" onClick={() => setAsking(false)}>
        Keep
      </button>
    </>
  ) : (
    <Menu label="Conversation menu" actions={[["Delete the conversation and its memory…", () => setAsking(true)]]} />
  );
}
