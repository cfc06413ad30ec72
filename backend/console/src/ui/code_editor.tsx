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
 * Editing by hand. What others change meanwhile is brought in when asked for, and never written over. An edit that was
 * begun before goes on: it is kept until it is saved or thrown away.
 */
export function CodeEditor({ api, feed, project, onDone }: Props) {
  const [draft, setDraft] = useState(() => readEdit(project.project_id) ?? asItIs(project));
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
  const leave = () => {
    dropEdit(project.project_id);
    onDone();
  };
  const save = async () => {
    if (isSaving) return;
    setSaving(true);
    try {
      const saved = await feed.updateProject({ code: text, base_version: base.version });
      setProblem(null);
      // What was typed while it was being saved is an edit of what has been saved.
      if (newest.current.text === text) leave();
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
  const bringIn = async () => {
    try {
      const now = await api.getProject(project.project_id);
      const newest = { version: now.version, code: now.code ?? "" };
      const merged = applyPatch(newest.code, createPatch("", base.code, text), { fuzzFactor: 0 });
      if (merged === false) {
        setTheirs(newest);
        setProblem({
          title: "You and somebody else changed the same place",
          detail: "Below is what they changed.",
          advice: "Put it into your text by hand, then save over it.",
        });
        return;
      }
      write({ base: newest, text: merged });
      setTheirs(null);
      setProblem(null);
    } catch (error) {
      setProblem(userError(error));
    }
  };
  const latest = useRef({ save, write });
  latest.current = { save, write };
  const { box, view } = useCodeMirror(text, () =>
    editing({
      label: LABEL,
      onChange: (changed) => latest.current.write({ text: changed }),
      onSave: () => void latest.current.save(),
    }),
  );
  useLayoutEffect(() => view.current?.focus(), []);
  return (
    <div class="editor">
      {isStale && !theirs && (
        <ErrorNotice
          error={{
            title: `Version ${project.version} has come meanwhile`,
            detail: "",
            advice: "Bring it in before you save.",
          }}
          actions={[["Bring it in", () => void bringIn()]]}
        />
      )}
      {problem && !(isStale && !theirs) && (
        <ErrorNotice
          error={problem}
          actions={
            theirs
              ? [
                  [
                    "I have put it in",
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
            <span>Throw away what you typed?</span>
            <span class="spring" />
            <button type="button" class="danger" onClick={leave}>
              Throw away
            </button>
            <button type="button" onClick={keepEditing}>
              Keep editing
            </button>
          </>
        ) : (
          <>
            <span class="faint">From version {base.version}</span>
            <span class="spring" />
            <button type="button" onClick={() => (isChanged ? setAsking(true) : leave())}>
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

function asItIs(project: Project): EditDraft {
  const code = project.code ?? "";
  return { base: { version: project.version, code }, text: code };
}
