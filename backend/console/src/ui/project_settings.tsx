import type { ApiClient, ListedProject, ProjectFeed } from "@vibewire/client";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { type UserError, userError } from "../error_messages.ts";
import type { Route } from "../route.ts";
import { ErrorNotice } from "./error_notice.tsx";
import { Name } from "./seen.tsx";

interface Props {
  api: ApiClient;
  feed: ProjectFeed;
  project: ListedProject;
  /** The user's id in the API; null if unknown. */
  userId: string | null;
  onGo: (route: Route) => void;
  onChanged: () => Promise<void>;
}

/** A dialog to rename, share, delete or leave the project. */
export function ProjectSettings({ api, feed, project, userId, onGo, onChanged }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [problem, setProblem] = useState<UserError | null>(null);
  const [isDeleting, setDeleting] = useState(false);
  // The project when the dialog was opened: only differences from it are saved, and later changes do not alter the form.
  const [before, setBefore] = useState<ListedProject>(project);
  const [opened, setOpened] = useState(0);
  useLayoutEffect(() => {
    if (opened > 0) dialog.current?.showModal();
  }, [opened]);
  const attempt = async (work: () => Promise<void>) => {
    try {
      await work();
      setProblem(null);
      dialog.current?.close();
      await onChanged();
    } catch (error) {
      setProblem(userError(error));
    }
  };
  const isMember = userId !== null && userId !== project.owner && project.members.includes(userId);
  const leave = async () => {
    // The current list: a member may remove only themselves.
    const { members } = await api.getProject(project.project_id);
    await api.updateProject(project.project_id, { members: members.filter((one) => one !== userId) });
  };
  const save = (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const name = String(form.get("name")).trim();
    const members = String(form.get("members"))
      .split(/[\n,]/)
      .map((one) => one.trim())
      .filter(Boolean);
    const hasNewMembers = members.join("\n") !== before.members.join("\n");
    const change = { ...(name !== before.name && { name }), ...(hasNewMembers && { members }) };
    void attempt(async () => {
      if (Object.keys(change).length > 0) setBefore(await feed.updateProject(change));
    });
  };
  return (
    <>
      <button
        type="button"
        class="icon"
        aria-label="Project settings"
        title="Rename, share, delete"
        onClick={() => {
          setProblem(null);
          setDeleting(false);
          setBefore(project);
          setOpened(opened + 1);
        }}
      >
        ⋯
      </button>
      <dialog ref={dialog} aria-labelledby="settings-title">
        <form key={opened} onSubmit={save}>
          <h2 id="settings-title">Project settings</h2>
          <label>
            Name
            <input name="name" defaultValue={before.name} required maxLength={200} autocomplete="off" />
          </label>
          <label>
            Members (user names, one a line)
            <textarea name="members" rows={3} defaultValue={before.members.join("\n")} spellcheck={false} />
          </label>
          <p class="faint">
            Owner: <Name text={project.owner} />. Listed users who have the address of this page can join.
          </p>
          {problem && <ErrorNotice error={problem} />}
          <div class="buttons">
            <button
              type="button"
              class={isDeleting ? "danger" : "quiet"}
              onClick={() => {
                if (!isDeleting) return setDeleting(true);
                void attempt(async () => {
                  await (isMember ? leave() : api.deleteProject(project.project_id));
                  onGo({ projectId: null, nodeId: null });
                });
              }}
            >
              {isMember
                ? isDeleting
                  ? "Leave it: only its owner can let you in again"
                  : "Leave the project…"
                : isDeleting
                  ? "Delete it for good, with all conversations"
                  : "Delete the project…"}
            </button>
            <span class="spring" />
            <button type="button" onClick={() => dialog.current?.close()}>
              Cancel
            </button>
            <button type="submit" class="primary">
              Save
            </button>
          </div>
        </form>
      </dialog>
    </>
  );
}
