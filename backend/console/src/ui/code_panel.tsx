/** The code panel: the code, its changes and versions, editing by hand, and the model's full response. */

import type { ApiClient, ProjectFeed, ProjectState, SessionState } from "@vibewire/client";
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { readEdit } from "../drafts.ts";
import { ErrorNotice } from "./error_notice.tsx";
import { lazyModule } from "./lazy_module.ts";
import { proposalOf } from "./proposal.ts";
import { ResponseView } from "./response_view.tsx";
import type { Shown } from "./shown.ts";
import { useNear } from "./use_near.ts";
import { useShortcuts } from "./use_shortcuts.ts";
import { useVersions } from "./use_versions.ts";
import { VersionStepper } from "./version_stepper.tsx";

interface Props {
  api: ApiClient;
  feed: ProjectFeed;
  state: ProjectState;
  session: SessionState | null;
  shown: Shown | null;
  onShow: (shown: Shown | null) => void;
}

// CodeMirror and the parser are most of the page's code: they are loaded when the panel is first visible.
const useCodeModules = lazyModule(() => import("./code_modules.ts"));
const NOT_LOADED = {
  title: "The code view could not be loaded",
  detail: "",
  advice: "Check your connection, then reload the page. What you typed is kept.",
};

type Tab = "code" | "changes" | "response";
const SPLIT = "vibewire.split";
const LANDED_MS = 2_500;

export function CodePanel({ api, feed, state, session, shown, onShow }: Props) {
  const [tab, setTab] = useState<Tab>("code");
  // Null: always the newest.
  const [chosen, setChosen] = useState<number | null>(null);
  const [isEditing, setEditing] = useState(() => readEdit(feed.projectId) !== null);
  const [isSplit, setSplit] = useState(() => localStorage.getItem(SPLIT) === "yes");
  const box = useRef<HTMLElement>(null);
  const { module: code, hasFailed } = useCodeModules(useNear(box, false));
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
  useShortcuts({ "[": () => step(-1), "]": () => step(1) });
  // The pressed button is no longer there: the focus returns to where editing began.
  const editButton = useRef<HTMLButtonElement>(null);
  const wasEditing = useRef(isEditing);
  useLayoutEffect(() => {
    if (wasEditing.current && !isEditing) editButton.current?.focus();
    wasEditing.current = isEditing;
  }, [isEditing]);
  const closeEditor = useCallback(() => setEditing(false), []);
  if (!project) return <section ref={box} class="panel code-panel" aria-label="Code" />;
  const choose = (next: Tab) => {
    setTab(next);
    if (next !== "response") onShow(null);
  };
  return (
    <section ref={box} class={`panel code-panel ${hasLanded ? "landed" : ""}`} aria-label="Code">
      <div class="section-head">
        <div class="segments" role="group" aria-label="What to show">
          {(["code", "changes", "response"] as const).map((one) => (
            <button
              key={one}
              type="button"
              aria-pressed={tab === one}
              disabled={one === "response" && !shown}
              title={hintOf(one, shown, isEditing)}
              onClick={() => choose(one)}
            >
              {{ code: "Code", changes: "Changes", response: "Response" }[one]}
              {one === "code" && isEditing && tab !== "code" && <UnsavedMark />}
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
          <button ref={editButton} type="button" class="small" onClick={() => setEditing(true)}>
            Edit
          </button>
        )}
        {tab !== "response" && !(isEditing && tab === "code") && (
          <VersionStepper version={version} newest={newest} versions={versions} onStep={step} onChoose={setChosen} />
        )}
      </div>
      {tab === "response" && shown ? (
        <ResponseView api={api} messageId={shown.messageId} />
      ) : hasFailed ? (
        <ErrorNotice error={NOT_LOADED} actions={[["Reload", () => location.reload()]]} />
      ) : !code ? (
        <p class="faint empty">Loading…</p>
      ) : isEditing && tab === "code" ? (
        <code.CodeEditor api={api} feed={feed} project={project} onDone={closeEditor} />
      ) : (
        <code.CodeBody
          {...{ api, version, newest, isSplit, proposal }}
          tab={tab === "code" ? "code" : "changes"}
          projectId={feed.projectId}
          current={project.code ?? ""}
          note={versions.find((one) => one.version === version)?.commit_message ?? ""}
        />
      )}
    </section>
  );
}

function UnsavedMark() {
  return (
    <span class="unsaved" aria-hidden="true">
      •
    </span>
  );
}

function hintOf(tab: Tab, shown: Shown | null, isEditing: boolean): string | undefined {
  if (tab === "response" && !shown) return "Choose “Full response” below a message";
  return tab === "code" && isEditing ? "Your edit is not saved yet" : undefined;
}

/** True for a moment after a new version has landed. */
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
