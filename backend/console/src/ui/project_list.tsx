import { useState } from "preact/hooks";
import type { ListedProject } from "../client/index.ts";
import { type Trouble, trouble } from "../words.ts";
import { TroubleNotice } from "./trouble_notice.tsx";

interface Props {
  /** Null: not known yet. */
  projects: readonly ListedProject[] | null;
  currentId: string | null;
  onChoose: (projectId: string) => void;
  onCreate: (name: string) => Promise<void>;
}

export function ProjectList({ projects, currentId, onChoose, onCreate }: Props) {
  const [problem, setProblem] = useState<Trouble | null>(null);
  const create = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const name = String(new FormData(form).get("name") ?? "").trim();
    if (!name) return;
    try {
      await onCreate(name);
      form.reset();
      setProblem(null);
    } catch (error) {
      setProblem(trouble(error));
    }
  };
  return (
    <section class="projects" aria-labelledby="projects-title">
      <h2 id="projects-title">Projects</h2>
      <ul>
        {projects?.map((project) => (
          <li key={project.project_id}>
            <button
              type="button"
              class="row"
              aria-current={project.project_id === currentId ? "page" : undefined}
              onClick={() => onChoose(project.project_id)}
            >
              <span class="row-name">{project.name}</span>
            </button>
          </li>
        ))}
      </ul>
      {projects?.length === 0 && <p class="faint">None yet. Name your first one:</p>}
      <form class="new-project" onSubmit={(event) => void create(event)}>
        <input
          name="name"
          aria-label="Name of the new project"
          placeholder="New project…"
          maxLength={200}
          autocomplete="off"
        />
        <button type="submit" class="small">
          Create
        </button>
      </form>
      {problem && <TroubleNotice trouble={problem} onClose={() => setProblem(null)} />}
    </section>
  );
}
