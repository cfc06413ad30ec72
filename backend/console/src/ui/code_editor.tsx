import { applyPatch, createPatch } from "diff";
import { useRef, useState } from "preact/hooks";
import { type ApiClient, type Project, type ProjectFeed, RefusedError } from "../client/index.ts";
import { type Trouble, trouble } from "../words.ts";
import { CodeLines } from "./code_lines.tsx";
import { DiffView } from "./diff_view.tsx";
import { useEditedTokens } from "./edited_tokens.ts";
import { TroubleNotice } from "./trouble_notice.tsx";

interface Props {
  api: ApiClient;
  feed: ProjectFeed;
  project: Project;
  onDone: () => void;
}

interface Base {
  version: number;
  code: string;
}

const INDENT = "    ";

/** Editing by hand. What others change meanwhile is brought in when asked for, and never written over. */
export function CodeEditor({ api, feed, project, onDone }: Props) {
  const [base, setBase] = useState<Base>({ version: project.version, code: project.code ?? "" });
  const [text, setText] = useState(base.code);
  const [problem, setProblem] = useState<Trouble | null>(null);
  const [isSaving, setSaving] = useState(false);
  const [theirs, setTheirs] = useState<Base | null>(null);
  const area = useRef<HTMLTextAreaElement>(null);
  const isStale = project.version > base.version;

  const save = async () => {
    if (isSaving) return;
    setSaving(true);
    try {
      await feed.updateProject({ code: text, base_version: base.version });
      onDone();
    } catch (error) {
      setProblem(trouble(error));
      if (error instanceof RefusedError && error.code === "stale_version") area.current?.focus();
    } finally {
      setSaving(false);
    }
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
      setText(merged);
      setBase(newest);
      setTheirs(null);
      setProblem(null);
    } catch (error) {
      setProblem(trouble(error));
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
      setText(event.currentTarget.value);
    } else if (event.key === "Escape") {
      event.currentTarget.blur(); // lets the Tab key move on
    }
  };
  return (
    <div class="editor">
      {isStale && !theirs && (
        <TroubleNotice
          trouble={{
            title: `Version ${project.version} has come meanwhile`,
            detail: "",
            advice: "Bring it in before you save.",
          }}
          actions={[["Bring it in", () => void bringIn()]]}
        />
      )}
      {problem && !(isStale && !theirs) && (
        <TroubleNotice
          trouble={problem}
          actions={
            theirs
              ? [
                  [
                    "I have put it in",
                    () => {
                      setBase(theirs);
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
          onInput={(event) => setText(event.currentTarget.value)}
          onKeyDown={indent}
        />
      </div>
      {theirs && <DiffView before={base.code} after={theirs.code} isSplit={false} />}
      <div class="buttons">
        <span class="faint">From version {base.version}</span>
        <span class="spring" />
        <button type="button" onClick={onDone}>
          Cancel
        </button>
        <button type="button" class="primary" disabled={isSaving || text === base.code} onClick={() => void save()}>
          {isSaving ? "Saving…" : "Save"}
        </button>
      </div>
    </div>
  );
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
