import type { Version } from "@vibewire/client";
import { spelled } from "../hidden_characters.ts";

interface Props {
  version: number;
  newest: number;
  versions: readonly Version[];
  onStep: (by: number) => void;
  onChoose: (version: number | null) => void;
}

/** Steps through the versions of the code, or chooses one; null is always the newest. */
export function VersionStepper({ version, newest, versions, onStep, onChoose }: Props) {
  const listed = versions.some((one) => one.version === version);
  return (
    <div class="stepper" role="group" aria-label="Versions">
      <button
        type="button"
        class="icon"
        aria-label="Older version"
        title="Older  ["
        disabled={version <= 1}
        onClick={() => onStep(-1)}
      >
        ‹
      </button>
      <select
        aria-label="Version"
        value={String(version)}
        onChange={(event) => {
          const chosen = Number(event.currentTarget.value);
          onChoose(chosen === newest ? null : chosen);
        }}
      >
        {!listed && <option value={String(version)}>v{version}</option>}
        {versions.map((one) => (
          <option key={one.version} value={String(one.version)}>
            {`v${one.version}  ${spelled(one.commit_message) || (one.message_id ? "" : "by hand")}`}
          </option>
        ))}
      </select>
      <button
        type="button"
        class="icon"
        aria-label="Newer version"
        title="Newer  ]"
        disabled={version >= newest}
        onClick={() => onStep(1)}
      >
        ›
      </button>
    </div>
  );
}
