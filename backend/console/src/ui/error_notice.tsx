import type { UserError } from "../error_messages.ts";
import { Seen } from "./seen.tsx";

interface Props {
  error: UserError;
  /** Label and what it does. */
  actions?: [label: string, act: () => void][];
  onClose?: () => void;
}

/** An error: what happened, and what the user can do. */
export function ErrorNotice({ error, actions = [], onClose }: Props) {
  return (
    <div class="error-notice" role="alert">
      <div>
        <strong>{error.title}.</strong>
        {error.detail && (
          <span class="error-detail">
            <Seen text={error.detail} />
          </span>
        )}
        <span>{error.advice}</span>
      </div>
      {actions.map(([label, act]) => (
        <button key={label} type="button" class="small" onClick={act}>
          {label}
        </button>
      ))}
      {onClose && (
        <button type="button" class="icon" aria-label="Dismiss" onClick={onClose}>
          ✕
        </button>
      )}
    </div>
  );
}
