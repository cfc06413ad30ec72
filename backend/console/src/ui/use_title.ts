import { isOpen, type SessionState } from "@vibewire/client";
import { useEffect, useRef, useState } from "preact/hooks";
import { spelled } from "../hidden_characters.ts";

const PAGE = "Vibewire";

/** The tab's title: the project's name, and a mark when a turn has ended while the tab was hidden. */
export function useTitle(name: string | null, sessions: ReadonlyMap<string, SessionState>): void {
  const isUnread = useUnread(sessions);
  const title = name ? `${spelled(name)} · ${PAGE}` : PAGE;
  useEffect(() => {
    document.title = isUnread ? `● ${title}` : title;
  }, [title, isUnread]);
  useEffect(
    () => () => {
      document.title = PAGE;
    },
    [],
  );
}

function useUnread(sessions: ReadonlyMap<string, SessionState>): boolean {
  const [isUnread, setUnread] = useState(false);
  const open = useRef<ReadonlySet<string>>(new Set());
  useEffect(() => {
    const messages = [...sessions.values()].flatMap((session) => session.messages);
    const hasEnded = messages.some((message) => open.current.has(message.messageId) && !isOpen(message));
    open.current = new Set(messages.filter(isOpen).map((message) => message.messageId));
    if (hasEnded && document.visibilityState === "hidden") setUnread(true);
  }, [sessions]);
  useEffect(() => {
    const look = () => document.visibilityState === "visible" && setUnread(false);
    document.addEventListener("visibilitychange", look);
    return () => document.removeEventListener("visibilitychange", look);
  }, []);
  return isUnread;
}
