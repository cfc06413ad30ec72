import type { ListedProject } from "@vibewire/client";
import { useRef, useState } from "preact/hooks";
import { type UserError, userError } from "../error_messages.ts";
import { ErrorNotice } from "./error_notice.tsx";
import { Name } from "./seen.tsx";

interface Props {
  /** Null until they are loaded. */
  projects: readonly ListedProject[] | null;
  currentId: string | null;
  onChoose: (projectId: string) => void;
  /** Create and show a project. `typedAhead` empties the field and returns the text typed since. */
  onCreate: (name: string, typedAhead: () => string) => Promise<void>;
}

export function ProjectList({ projects, currentId, onChoose, onCreate }: Props) {
  const [problem, setProblem] = useState<UserError | null>(null);
  const field = useRef<HTMLInputElement>(null);
  const isCreating = useRef(false);
  const create = async (event: SubmitEvent) => {
    event.preventDefault();
    const input = field.current;
    if (isCreating.current || !input?.value.trim()) return;
    isCreating.current = true;
    const typedAhead = () => {
      const text = input.value;
      input.value = "";
      return text;
    };
    const name = typedAhead().trim();
    setProblem(null);
    try {
      await onCreate(name, typedAhead);
    } catch (error) {
      if (input.value === "") input.value = name;
      setProblem(userError(error));
    } finally {
      isCreating.current = false;
    }
  };
  return (
    <section class="projects" aria-labelledby="projects-title" style={{ "--rows": projects?.length ?? 0 }}>
      <h2 id="projects-title">Projects</h2>
      <div class="projects-room">
        <ul>
          {projects?.map((project) => (
            <li key={project.project_id}>
              <button
                type="button"
                class="row"
                aria-current={project.project_id === currentId ? "page" : undefined}
                onClick={() => onChoose(project.project_id)}
              >
                <span class="row-name">
                  <Name text={project.name} />
                </span>
              </button>
            </li>
          ))}
        </ul>
      </div>
      {projects?.length === 0 && <p class="faint">None yet. Name your first one:</p>}
      <form class="new-project" onSubmit={(event) => void create(event)}>
        <input
          ref={field}
          aria-label="Name of the new project"
          placeholder="New project…"
          maxLength={200}
          autocomplete="off"
        />
        <button type="submit" class="small">
          Create
        </button>
      </form>
      {problem && <ErrorNotice error={problem} onClose={() => setProblem(null)} />}
    </section>
  );
}
