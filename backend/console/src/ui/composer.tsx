import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

interface Props {
  /** What the unfinished text is kept under, for this tab. */
  draftKey: string;
  isReady: boolean;
  onSend: (prompt: string) => void;
}

const LONGEST_PROMPT = 32_000;
const TALLEST = 220;

/** Where the next prompt is written. Enter sends; Shift and Enter make a new line. */
export function Composer({ draftKey, isReady, onSend }: Props) {
  const key = `vibewire.draft ${draftKey}`;
  const [text, setText] = useState(() => sessionStorage.getItem(key) ?? "");
  const area = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    if (text) sessionStorage.setItem(key, text);
    else sessionStorage.removeItem(key);
  }, [key, text]);
  useLayoutEffect(() => {
    if (!area.current) return;
    area.current.style.height = "auto";
    area.current.style.height = `${Math.min(area.current.scrollHeight + 2, TALLEST)}px`;
  }, [text]);
  useEffect(() => {
    const focus = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      if (event.key !== "/" || event.ctrlKey || event.metaKey || target.closest("input, textarea, select, dialog"))
        return;
      event.preventDefault();
      area.current?.focus();
    };
    addEventListener("keydown", focus);
    return () => removeEventListener("keydown", focus);
  }, []);
  const isTooLong = text.length > LONGEST_PROMPT;
  const send = () => {
    if (!isReady || isTooLong || !text.trim()) return;
    onSend(text);
    setText("");
  };
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <textarea
        ref={area}
        rows={1}
        value={text}
        aria-label="Message"
        aria-describedby="composer-hint"
        placeholder="What should change?"
        onInput={(event) => setText(event.currentTarget.value)}
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
