import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useState } from "preact/hooks";
import { keepDraft, readDraft } from "../drafts.ts";
import { useShortcuts } from "./use_shortcuts.ts";

interface Props {
  /** The key of the draft, which is kept for this tab. */
  draftKey: string;
  isReady: boolean;
  /** Set if the user is already typing elsewhere: returns that text, to go on with here. */
  typedAhead: (() => string) | null;
  field: RefObject<HTMLTextAreaElement | null>;
  onSend: (prompt: string) => void;
}

const LONGEST_PROMPT = 32_000;
const TALLEST = 220;

/** The field for the next prompt. Enter sends; Shift and Enter make a new line. */
export function Composer({ draftKey, isReady, typedAhead, field, onSend }: Props) {
  const [text, setText] = useState(() => readDraft(draftKey));
  const write = (next: string) => {
    setText(next);
    keepDraft(draftKey, next);
  };
  useLayoutEffect(() => {
    if (!typedAhead || !field.current) return;
    // Synchronous: no key press can come between taking the text and moving the focus.
    field.current.value = text + typedAhead();
    write(field.current.value);
    field.current.focus();
  }, []);
  useLayoutEffect(() => {
    if (!field.current) return;
    field.current.style.height = "auto";
    field.current.style.height = `${Math.min(field.current.scrollHeight + 2, TALLEST)}px`;
  }, [text]);
  useShortcuts({ "/": () => field.current?.focus() });
  const isTooLong = text.length > LONGEST_PROMPT;
  // Enter before the conversation is loaded sends the text once it is, unless the user goes on typing.
  const [isWanted, setIsWanted] = useState(false);
  const send = () => {
    if (isTooLong || !text.trim()) return;
    setIsWanted(!isReady);
    if (!isReady) return;
    onSend(text);
    write("");
  };
  useEffect(() => {
    if (isReady && isWanted) send();
  }, [isReady, isWanted]);
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <textarea
        ref={field}
        rows={1}
        value={text}
        aria-label="Message"
        aria-describedby="composer-hint"
        placeholder="What should change?"
        onInput={(event) => {
          setIsWanted(false);
          write(event.currentTarget.value);
        }}
        onKeyDown={(event) => {
          if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
          event.preventDefault();
          send();
        }}
      />
      <button type="submit" class="primary" disabled={!isReady || isTooLong || !text.trim()}>
        Send
      </button>
      {isTooLong && (
        <p id="composer-hint" class="hint wrong">
          {(text.length - LONGEST_PROMPT).toLocaleString("en")} characters too long
        </p>
      )}
    </form>
  );
}
