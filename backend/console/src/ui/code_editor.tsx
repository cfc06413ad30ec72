import { type ApiClient, type Project, type ProjectFeed, RefusedError } from "@vibewire/client";
import { applyPatch, createPatch } from "diff";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { type Base, dropEdit, type EditDraft, keepEdit, readEdit } from "../drafts.ts";
import { type UserError, userError } from "../error_messages.ts";
import { editing, useCodeMirror } from "./code_mirror.ts";
import { DiffView } from "./diff_view.tsx";
import { ErrorNotice } from "./error_notice.tsx";
import { HiddenWarning } from "./seen.tsx";

interface Props {
  api: ApiClient;
  feed: ProjectFeed;
  project: Project;
  onDone: () => void;
}

const LABEL = "Source; Tab indents, Escape leaves the field, Control and S saves";

/**
 * Edits the code by hand. Other people's changes are merged on request and never overwritten. An edit is kept as a draft
 * until it is saved or discarded.
 */
export function CodeEditor({ api, feed, project, onDone }: Props) {
  const [draft, setDraft] = useState(() => readEdit(project.project_id) ?? draftOf(project));
  const newest = useRef(draft);
  const { base, text } = draft;
  const [problem, setProblem] = useState<UserError | null>(null);
  const [isSaving, setSaving] = useState(false);
  const [isAsking, setAsking] = useState(false);
  const [theirs, setTheirs] = useState<Base | null>(null);
  const isStale = project.version > base.version;
  const isChanged = text !== base.code;
  const write = (next: Partial<EditDraft>) => {
    const after = { ...newest.current, ...next };
    newest.current = after;
    setDraft(after);
    if (after.text === after.base.code) dropEdit(project.project_id);
    else keepEdit(project.project_id, after);
  };
  const close = () => {
    dropEdit(project.project_id);
    onDone();
  };
  const save = async () => {
    if (isSaving) return;
    setSaving(true);
    try {
      const saved = await feed.updateProject({ code: text, base_version: base.version });
      setProblem(null);
      // Text typed while the save was in progress is a new edit, based on the saved version.
      if (newest.current.text === text) close();
      else write({ base: { version: saved.version, code: text } });
    } catch (error) {
      setProblem(userError(error));
      if (error instanceof RefusedError && error.code === "stale_version") view.current?.focus();
    } finally {
      setSaving(false);
    }
  };
  const keepEditing = () => {
    setAsking(false);
    view.current?.focus();
  };
  const merge = async () => {
    try {
      const now = await api.getProject(project.project_id);
      const latest = { version: now.version, code: now.code ?? "" };
      const merged = applyPatch(latest.code, createPatch("", base.code, newest.current.text), { fuzzFactor: 0 });
      if (merged === false) {
        setTheirs(latest);
        setProblem({
          title: "You and another user changed the same lines",
          detail: "Their change is shown below.",
          advice: "Apply it to your text by hand, then save.",
        });
        return;
      }
      write({ base: latest, text: merged });
      setTheirs(null);
      setProblem(null);
    } catch (error) {
      setProblem(userError(error));
    }
  };
  const handlers = useRef({ save, write });
  handlers.current = { save, write };
  const { box, view } = useCodeMirror(text, () =>
    editing({
      label: LABEL,
      onChange: (changed) => handlers.current.write({ text: changed }),
      onSave: () => void handlers.current.save(),
    }),
  );
  useLayoutEffect(() => view.current?.focus(), []);
  return (
    <div class="editor">
      {isStale && !theirs && (
        <ErrorNotice
          error={{
            title: `There is a newer version (${project.version})`,
            detail: "",
            advice: "Merge it before you save.",
          }}
          actions={[["Merge it", () => void merge()]]}
        />
      )}
      {problem && !(isStale && !theirs) && (
        <ErrorNotice
          error={problem}
          actions={
            theirs
              ? [
                  [
                    "I have applied it",
                    () => {
                      write({ base: theirs });
                      setTheirs(null);
                      setProblem(null);
                    },
                  ],
                ]
              : []
          }
          onClose={() => setProblem(null)}
        />
      )}
      <div ref={box} class="code" />
      <HiddenWarning what="This text" lines={numbered(text)} where="code" />
      {theirs && <DiffView before={base.code} after={theirs.code} isSplit={false} />}
      <div class="buttons">
        {isAsking ? (
          <>
            <span>Discard your changes?</span>
            <span class="spring" />
            <button type="button" class="danger" onClick={close}>
              Discard
            </button>
            <button type="button" onClick={keepEditing}>
              Keep editing
            </button>
          </>
        ) : (
          <>
            <span class="faint">From version {base.version}</span>
            <span class="spring" />
            <button type="button" onClick={() => (isChanged ? setAsking(true) : close())}>
              Cancel
            </button>
            <button type="button" class="primary" disabled={isSaving || !isChanged} onClick={() => void save()}>
              {isSaving ? "Saving…" : "Save"}
            </button>
          </>
        )}
      </div>
    </div>
  );
}

function numbered(text: string): [number, string][] {
  return text.split("\n").map((line, at) => [at + 1, line]);
}

function draftOf(project: Project): EditDraft {
  const code = project.code ?? "";
  return { base: { version: project.version, code }, text: code };
}
