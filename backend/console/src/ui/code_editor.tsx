import { type ApiClient, type Project, type ProjectFeed, RefusedError } from "@vibewire/client";
import { applyPatch, createPatch } from "diff";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { type Base, dropEdit, type EditDraft, keepEdit, readEdit } from "../drafts.ts";
import { type UserError, userError } from "../error_messages.ts";
import { CodeLines } from "./code_lines.tsx";
import { DiffView } from "./diff_view.tsx";
import { useEditedTokens } from "./edited_tokens.ts";
import { ErrorNotice } from "./error_notice.tsx";
import { HiddenWarning } from "./seen.tsx";

interface Props {
  api: ApiClient;
  feed: ProjectFeed;
  project: Project;
  onDone: () => void;
}

const INDENT = "    ";

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
  const area = useRef<HTMLTextAreaElement>(null);
  const isStale = project.version > base.version;
  const isChanged = text !== base.code;
  useLayoutEffect(() => area.current?.focus({ preventScroll: true }), []);

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
      if (error instanceof RefusedError && error.code === "stale_version") area.current?.focus();
    } finally {
      setSaving(false);
    }
  };
  const keepEditing = () => {
    setAsking(false);
    area.current?.focus({ preventScroll: true });
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
  const indent = (event: KeyboardEvent & { currentTarget: HTMLTextAreaElement }) => {
    const isSave = event.key === "s" && (event.ctrlKey || event.metaKey);
    if (isSave) {
      event.preventDefault();
      void save();
    } else if (event.key === "Tab" && !event.shiftKey) {
      event.preventDefault();
      event.currentTarget.setRangeText(
        INDENT,
        event.currentTarget.selectionStart,
        event.currentTarget.selectionEnd,
        "end",
      );
      write({ text: event.currentTarget.value });
    } else if (event.key === "Escape") {
      event.currentTarget.blur(); // lets the Tab key move on
    }
  };
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
      <div class="editor-scroll">
        <EditorBackground text={text} />
        <textarea
          ref={area}
          class="source"
          value={text}
          spellcheck={false}
          autocapitalize="off"
          autocomplete="off"
          wrap="off"
          aria-label="Source; Tab indents, Escape leaves the field, Control and S saves"
          onInput={(event) => write({ text: event.currentTarget.value })}
          onKeyDown={indent}
        />
      </div>
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

/** What is seen of the field: the same text in colours, with line numbers. It gives the field its size. */
function EditorBackground({ text }: { text: string }) {
  const { lines, tokens } = useEditedTokens(text);
  return (
    <div class="editor-lines" aria-hidden="true">
      <CodeLines lines={lines} tokens={tokens} isSelectable={false} />
    </div>
  );
}
