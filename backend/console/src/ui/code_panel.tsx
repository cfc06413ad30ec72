/** The right side: the code, what changed in it, its versions, editing by hand, and the model's full response. */

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import type { ApiClient, MessageState, ProjectFeed, ProjectState, SessionState, Version } from "../client/index.ts";
import { CodeEditor } from "./code_editor.tsx";
import { CodeView } from "./code_view.tsx";
import { patched } from "./diff_rows.ts";
import { DiffView } from "./diff_view.tsx";
import { memo } from "./hooks.ts";
import type { Shown } from "./project_view.tsx";
import { ResponseView } from "./response_view.tsx";
import { useCode, useVersions } from "./use_versions.ts";

interface Props {
  api: ApiClient;
  feed: ProjectFeed;
  state: ProjectState;
  session: SessionState | null;
  shown: Shown | null;
  onShow: (shown: Shown | null) => void;
}

type Tab = "code" | "changes" | "response";
const SPLIT = "vibewire.split";
const LANDED_MS = 2_500;

export function CodePanel({ api, feed, state, session, shown, onShow }: Props) {
  const [tab, setTab] = useState<Tab>("code");
  // Null: the newest, whatever comes.
  const [chosen, setChosen] = useState<number | null>(null);
  const [isEditing, setEditing] = useState(false);
  const [isSplit, setSplit] = useState(() => localStorage.getItem(SPLIT) === "yes");
  const project = state.project;
  const newest = project?.version ?? 0;
  const version = chosen ?? newest;
  const versions = useVersions(api, feed.projectId, newest);
  const message = session?.messages.find((one) => one.messageId === shown?.messageId);
  const proposal = chosen === null ? proposalOf(session) : null;
  const hasLanded = useLanding(newest, () => {
    if (chosen !== null || isEditing || tab === "response") return;
    setTab("changes");
  });
  useEffect(() => {
    if (proposal && tab === "code" && !isEditing) setTab("changes");
  }, [proposal?.messageId]);
  useEffect(() => {
    if (!shown) return;
    setEditing(false);
    setTab(shown.as === "change" ? "changes" : "response");
    const landed = shown.as === "change" ? message?.version : null;
    if (landed) setChosen(landed === newest ? null : landed);
  }, [shown]);
  const step = useCallback(
    (by: number) => {
      const next = Math.min(Math.max(1, version + by), newest);
      setChosen(next === newest ? null : next);
    },
    [version, newest],
  );
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      if (event.ctrlKey || event.metaKey || event.altKey || target.closest("input, textarea, select, dialog")) return;
      if (event.key === "[") step(-1);
      if (event.key === "]") step(1);
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, [step]);
  if (!project) return <section class="panel code-panel" aria-label="Code" />;
  const choose = (next: Tab) => {
    setTab(next);
    if (next !== "response") onShow(null);
  };
  return (
    <section class={`panel code-panel ${hasLanded ? "landed" : ""}`} aria-label="Code">
      <div class="section-head">
        <div class="segments" role="group" aria-label="What to show">
          {(["code", "changes", "response"] as const).map((one) => (
            <button
              key={one}
              type="button"
              aria-pressed={tab === one}
              disabled={one === "response" && !shown}
              title={one === "response" && !shown ? "Choose “Full response” below a message" : undefined}
              onClick={() => choose(one)}
            >
              {{ code: "Code", changes: "Changes", response: "Response" }[one]}
            </button>
          ))}
        </div>
        <span class="spring" />
        {tab === "changes" && (
          <button
            type="button"
            class="small wide-only"
            aria-pressed={isSplit}
            onClick={() => {
              localStorage.setItem(SPLIT, isSplit ? "no" : "yes");
              setSplit(!isSplit);
            }}
          >
            Side by side
          </button>
        )}
        {tab === "code" && chosen === null && !isEditing && (
          <button type="button" class="small" onClick={() => setEditing(true)}>
            Edit
          </button>
        )}
        {tab !== "response" && !isEditing && (
          <Stepper version={version} newest={newest} versions={versions} onStep={step} onChoose={setChosen} />
        )}
      </div>
      {tab === "response" && shown ? (
        <ResponseView api={api} messageId={shown.messageId} />
      ) : isEditing && tab === "code" ? (
        <CodeEditor api={api} feed={feed} project={project} onDone={() => setEditing(false)} />
      ) : (
        <Shelf
          {...{ api, tab, version, newest, isSplit, proposal }}
          projectId={feed.projectId}
          current={project.code ?? ""}
          note={versions.find((one) => one.version === version)?.commit_message ?? ""}
        />
      )}
    </section>
  );
}

interface ShelfProps {
  api: ApiClient;
  projectId: string;
  tab: Tab;
  version: number;
  newest: number;
  current: string;
  note: string;
  isSplit: boolean;
  proposal: Proposal | null;
}

const Shelf = memo(({ api, projectId, tab, version, newest, current, note, isSplit, proposal }: ShelfProps) => {
  const isNewest = version === newest;
  const code = useCode(api, projectId, version, isNewest ? current : null);
  const before = useCode(api, projectId, version - 1, version < 2 ? "" : null, tab === "changes" && !proposal);
  if (tab === "changes" && proposal) {
    const after = patched(current, proposal.patch);
    return (
      <>
        <p class={`change-head ${proposal.verdict}`}>
          <strong>{PROPOSED[proposal.verdict]}</strong>
        </p>
        {after === null ? (
          <pre class="code plain">{proposal.patch}</pre>
        ) : (
          <DiffView before={current} after={after} isSplit={isSplit} />
        )}
      </>
    );
  }
  if (code === null || (tab === "changes" && before === null))
    return <p class="faint empty">Loading version {version}…</p>;
  if (tab === "code") return <CodeView code={code} />;
  return (
    <>
      <p class="change-head">
        <strong>Version {version}</strong> <span>{version === 1 ? "The first one" : note}</span>
      </p>
      <DiffView before={version === 1 ? code : (before ?? "")} after={code} isSplit={isSplit} />
    </>
  );
});

interface Proposal {
  messageId: string;
  patch: string;
  verdict: "review" | "rejected" | "approved";
}

const PROPOSED: Record<Proposal["verdict"], string> = {
  review: "Proposed by VibeCoder; the Evaluator is reviewing it",
  rejected: "Rejected by the Evaluator; VibeCoder tries again",
  approved: "Approved; landing",
};

/** The patch that is being talked about right now. */
function proposalOf(session: SessionState | null): Proposal | null {
  const running = session?.messages.find((message: MessageState) => message.status === "running");
  const proposed = running?.iterations.findLast((one) => one.agent === "vibecoder" && one.patchPreview);
  if (!running || !proposed?.patchPreview) return null;
  const review = running.iterations.find((one) => one.agent === "evaluator" && one.iteration === proposed.iteration);
  const verdict = review ? (review.approved ? "approved" : "rejected") : "review";
  return { messageId: running.messageId, patch: proposed.patchPreview, verdict };
}

/** True for a moment after a new version has come. */
function useLanding(newest: number, onLanding: () => void): boolean {
  const known = useRef(newest);
  const [hasLanded, setLanded] = useState(false);
  useEffect(() => {
    const isNew = known.current > 0 && newest > known.current;
    known.current = newest;
    if (!isNew) return;
    onLanding();
    setLanded(true);
    const timer = setTimeout(() => setLanded(false), LANDED_MS);
    return () => clearTimeout(timer);
  }, [newest]);
  return hasLanded;
}

interface StepperProps {
  version: number;
  newest: number;
  versions: readonly Version[];
  onStep: (by: number) => void;
  onChoose: (version: number | null) => void;
}

function Stepper({ version, newest, versions, onStep, onChoose }: StepperProps) {
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
            {`v${one.version}  ${one.commit_message || (one.message_id ? "" : "by hand")}`}
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
