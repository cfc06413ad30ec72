/** The page: projects and workflow on the left, the conversation in the middle, the code on the right. */

import { type ApiClient, type ConnectionState, type EventClient, ProjectFeed } from "@vibewire/client";
import { useCallback, useEffect, useMemo, useState } from "preact/hooks";
import { PANELS, type Panel } from "./panels.ts";
import { ProjectsFeed } from "./projects.ts";
import { addressOf, type Place, readPlace } from "./route.ts";
import type { SignIn } from "./sign_in.ts";
import { Header } from "./ui/header.tsx";
import { useWatched } from "./ui/hooks.ts";
import { ProjectList } from "./ui/project_list.tsx";
import { ProjectView } from "./ui/project_view.tsx";
import { SignInPage } from "./ui/sign_in_page.tsx";
import { TroubleNotice } from "./ui/trouble_notice.tsx";
import { trouble } from "./words.ts";

interface Props {
  api: ApiClient;
  events: EventClient;
  signIn: SignIn;
}

export function App({ api, events, signIn }: Props) {
  const place = usePlace();
  const connection = useConnection(events);
  const [panel, setPanel] = useState<Panel>(place.projectId ? "conversation" : "workflow");
  const [opened, setOpened] = useState(0);
  const [created, setCreated] = useState<{ projectId: string; typedMeanwhile: () => string } | null>(null);
  const feed = useFeed(api, events, place.projectId, opened);
  useEffect(() => events.open(), [events]);

  const go = useCallback((next: Place) => {
    location.hash = addressOf(next);
    setPanel(next.projectId ? "conversation" : "workflow");
  }, []);
  const mustSignIn = connection === "signed_out" || (signIn.kind === "oidc" && signIn.user() === null);
  const list = useProjects(api, !mustSignIn);
  const { projects, error } = useWatched(
    useCallback((look: () => void) => list.watch(look), [list]),
    () => list.state,
  );
  const changed = useCallback(() => list.changed(), [list]);
  const current = projects?.find((project) => project.project_id === place.projectId);
  // Opened by its link, and newer than the list: once for each such project, it may be somebody else's.
  const isMissing = place.projectId !== null && projects !== null && !current;
  useEffect(() => {
    if (isMissing && place.projectId) void list.refresh();
  }, [isMissing, place.projectId, list]);
  if (mustSignIn) return <SignInPage signIn={signIn} />;

  const projectList = (
    <ProjectList
      projects={projects}
      currentId={place.projectId}
      onChoose={(projectId) => go({ projectId, nodeId: null })}
      onCreate={async (name, typedMeanwhile) => {
        const { project_id: projectId } = await api.createProject(name);
        setCreated({ projectId, typedMeanwhile });
        go({ projectId, nodeId: null });
        await changed();
      }}
    />
  );
  return (
    <div class="page" data-panel={panel}>
      <Header connection={connection} name={current?.name ?? null} signIn={signIn} onRetry={() => events.open()} />
      {error !== null && (
        <TroubleNotice trouble={trouble(error)} actions={[["Try again", () => void list.refresh()]]} />
      )}
      {feed ? (
        <ProjectView
          key={`${feed.projectId} ${opened}`}
          api={api}
          feed={feed}
          place={place}
          userId={signIn.userId()}
          list={projectList}
          typedMeanwhile={feed.projectId === created?.projectId ? created.typedMeanwhile : null}
          listed={current ?? null}
          onGo={go}
          onProjectsChanged={changed}
          onReopen={() => setOpened(opened + 1)}
          onPanel={setPanel}
        />
      ) : (
        <main class="panels">
          <aside class="panel workflow" aria-label="Projects">
            {projectList}
          </aside>
          <section class="panel conversation welcome" aria-label="Welcome">
            <h1>Edit an agent workflow by talking to it</h1>
            <p>
              Create a project, or choose one. VibeCoder writes the change, the Evaluator reviews it, and everybody who
              looks at the project sees each step as it happens.
            </p>
          </section>
        </main>
      )}
      <nav class="tabs narrow-only" aria-label="Panels">
        {PANELS.map((one) => (
          <button
            key={one}
            type="button"
            aria-pressed={panel === one}
            disabled={!feed && one === "code"}
            onClick={() => setPanel(one)}
          >
            {{ workflow: "Workflow", conversation: "Conversation", code: "Code" }[one]}
          </button>
        ))}
      </nav>
    </div>
  );
}

function usePlace(): Place {
  const [place, setPlace] = useState(() => readPlace(location.hash));
  useEffect(() => {
    const look = () => setPlace((place) => (addressOf(place) === location.hash ? place : readPlace(location.hash)));
    addEventListener("hashchange", look);
    look(); // it may have changed since the first look
    return () => removeEventListener("hashchange", look);
  }, []);
  return place;
}

function useConnection(events: EventClient): ConnectionState {
  const watch = useCallback((look: () => void) => events.watchState(look), [events]);
  return useWatched(watch, () => events.state);
}

/** The project's feed; a new one each time that `opened` is another number. */
function useFeed(api: ApiClient, events: EventClient, projectId: string | null, opened: number): ProjectFeed | null {
  const feed = useMemo(
    () => (projectId === null ? null : new ProjectFeed(api, events, projectId)),
    [projectId, opened],
  );
  useEffect(() => {
    feed?.open();
    return () => feed?.close();
  }, [feed]);
  return feed;
}

function useProjects(api: ApiClient, isOn: boolean): ProjectsFeed {
  const list = useMemo(() => new ProjectsFeed(api), [api]);
  useEffect(() => {
    if (!isOn) return;
    list.open();
    return () => list.close();
  }, [list, isOn]);
  return list;
}
