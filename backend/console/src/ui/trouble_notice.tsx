import type { Trouble } from "../words.ts";
import { Seen } from "./seen.tsx";

interface Props {
  trouble: Trouble;
  /** Label and what it does. */
  actions?: [label: string, act: () => void][];
  onClose?: () => void;
}

/** What went wrong, in words, and what can be done about it. */
export function TroubleNotice({ trouble, actions = [], onClose }: Props) {
  return (
    <div class="trouble" role="alert">
      <div>
        <strong>{trouble.title}.</strong>
        {trouble.detail && (
          <span class="trouble-detail">
            <Seen text={trouble.detail} />
          </span>
        )}
        <span>{trouble.advice}</span>
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
