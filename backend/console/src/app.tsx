/** The page: projects and workflow on the left, the conversation in the middle, the code on the right. */

import { type ApiClient, type ConnectionState, type EventClient, ProjectFeed } from "@vibewire/client";
import { useSyncExternalStore } from "preact/compat";
import { useCallback, useEffect, useMemo, useState } from "preact/hooks";
import { userError } from "./error_messages.ts";
import { PANELS, type Panel } from "./panels.ts";
import { ProjectsFeed } from "./projects.ts";
import { addressOf, type Route, readRoute } from "./route.ts";
import type { SignIn } from "./sign_in.ts";
import { ErrorNotice } from "./ui/error_notice.tsx";
import { Header } from "./ui/header.tsx";
import { ProjectList } from "./ui/project_list.tsx";
import { ProjectView } from "./ui/project_view.tsx";
import { SignInPage } from "./ui/sign_in_page.tsx";

interface Props {
  api: ApiClient;
  events: EventClient;
  signIn: SignIn;
}

export function App({ api, events, signIn }: Props) {
  const route = useRoute();
  const connection = useConnection(events);
  const [panel, setPanel] = useState<Panel>(route.projectId ? "conversation" : "workflow");
  const [opened, setOpened] = useState(0);
  const [created, setCreated] = useState<{ projectId: string; typedAhead: () => string } | null>(null);
  const feed = useFeed(api, events, route.projectId, opened);
  useEffect(() => events.open(), [events]);

  const go = useCallback((next: Route) => {
    location.hash = addressOf(next);
    setPanel(next.projectId ? "conversation" : "workflow");
  }, []);
  const mustSignIn = connection === "signed_out" || (signIn.kind === "oidc" && signIn.user() === null);
  const list = useProjects(api, !mustSignIn);
  const { projects, error } = useSyncExternalStore(
    useCallback((onChange: () => void) => list.watch(onChange), [list]),
    () => list.state,
  );
  const changed = useCallback(() => list.changed(), [list]);
  const current = projects?.find((project) => project.project_id === route.projectId);
  // A project that was opened by its link may be newer than the list: read it again, once for each such project.
  const isMissing = route.projectId !== null && projects !== null && !current;
  useEffect(() => {
    if (isMissing && route.projectId) void list.refresh();
  }, [isMissing, route.projectId, list]);
  if (mustSignIn) return <SignInPage signIn={signIn} />;

  const projectList = (
    <ProjectList
      projects={projects}
      currentId={route.projectId}
      onChoose={(projectId) => go({ projectId, nodeId: null })}
      onCreate={async (name, typedAhead) => {
        const { project_id: projectId } = await api.createProject(name);
        setCreated({ projectId, typedAhead });
        go({ projectId, nodeId: null });
        await changed();
      }}
    />
  );
  return (
    <div class="page" data-panel={panel}>
      <Header connection={connection} name={current?.name ?? null} signIn={signIn} onRetry={() => events.open()} />
      {error !== null && <ErrorNotice error={userError(error)} actions={[["Try again", () => void list.refresh()]]} />}
      {feed ? (
        <ProjectView
          key={`${feed.projectId} ${opened}`}
          api={api}
          feed={feed}
          route={route}
          userId={signIn.userId()}
          list={projectList}
          typedAhead={feed.projectId === created?.projectId ? created.typedAhead : null}
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
              Create a project, or choose one. VibeCoder writes the change, the Evaluator reviews it, and everyone in
              the project sees each step live.
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

function useRoute(): Route {
  const [route, setRoute] = useState(() => readRoute(location.hash));
  useEffect(() => {
    const update = () => setRoute((route) => (addressOf(route) === location.hash ? route : readRoute(location.hash)));
    addEventListener("hashchange", update);
    update(); // it may have changed since the first render
    return () => removeEventListener("hashchange", update);
  }, []);
  return route;
}

function useConnection(events: EventClient): ConnectionState {
  const watch = useCallback((onChange: () => void) => events.watchState(onChange), [events]);
  return useSyncExternalStore(watch, () => events.state);
}

/** The project's feed; a new one whenever `opened` changes. */
function useFeed(api: ApiClient, events: EventClient, projectId: string | null, opened: number): ProjectFeed | null {
  const feed = useMemo(
    () => (projectId === null ? null : new ProjectFeed(api, events, projectId)),
    [api, events, projectId, opened],
  );
  useEffect(() => {
    feed?.open();
    return () => feed?.close();
  }, [feed]);
  return feed;
}

function useProjects(api: ApiClient, isEnabled: boolean): ProjectsFeed {
  const list = useMemo(() => new ProjectsFeed(api), [api]);
  useEffect(() => {
    if (!isEnabled) return;
    list.open();
    return () => list.close();
  }, [list, isEnabled]);
  return list;
}
