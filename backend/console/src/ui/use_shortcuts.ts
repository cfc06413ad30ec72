import { useEffect, useRef } from "preact/hooks";

const TYPING = "input, textarea, select, dialog, [contenteditable=true]";

/** Runs an action for a single key that is pressed outside of fields and dialogs. */
export function useShortcuts(actions: Record<string, () => void>): void {
  const latest = useRef(actions);
  latest.current = actions;
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const action = latest.current[event.key];
      const isOther = event.ctrlKey || event.metaKey || event.altKey;
      if (!action || isOther || (event.target as HTMLElement).closest(TYPING)) return;
      event.preventDefault();
      action();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, []);
}
