/** A project: its workflow, the chosen conversation, its code. */

import { type ApiClient, isRunning, type ListedProject, type ProjectFeed, type SessionState } from "@vibewire/client";
import type { ComponentChildren } from "preact";
import { useSyncExternalStore } from "preact/compat";
import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import { accessError, type UserError, userError } from "../error_messages.ts";
import type { Panel } from "../panels.ts";
import type { Route } from "../route.ts";
import { Announcer } from "./announcer.tsx";
import { CodePanel } from "./code_panel.tsx";
import { Conversation } from "./conversation.tsx";
import { ErrorNotice } from "./error_notice.tsx";
import { ProjectSettings } from "./project_settings.tsx";
import { Name } from "./seen.tsx";
import type { Shown } from "./shown.ts";
import { useTitle } from "./use_title.ts";
import { WorkflowGraph } from "./workflow_graph.tsx";

interface Props {
  api: ApiClient;
  feed: ProjectFeed;
  route: Route;
  /** The user's id in the API; null if unknown. */
  userId: string | null;
  list: ComponentChildren;
  /** Of a project that was just created here: returns the text typed since, for its first prompt. */
  typedAhead: (() => string) | null;
  /** The project as the list has it: the list is updated with new names and members. */
  listed: ListedProject | null;
  onGo: (route: Route) => void;
  onProjectsChanged: () => Promise<void>;
  /** Open the project again after access was restored. */
  onReopen: () => void;
  /** Show a panel, on screens with room for only one. */
  onPanel: (panel: Panel) => void;
}

export function ProjectView({
  api,
  feed,
  route,
  userId,
  list,
  typedAhead,
  listed,
  onGo,
  onProjectsChanged,
  onReopen,
  onPanel,
}: Props) {
  const watch = useCallback((look: () => void) => feed.watch(look), [feed]);
  const state = useSyncExternalStore(watch, () => feed.state);
  const [shown, setShown] = useState<Shown | null>(null);
  const show = useCallback((what: Shown) => {
    setShown(what);
    onPanel("code");
  }, []);
  const { session, problem, start } = useSession(feed, state.sessions, route.nodeId, state.project !== null);
  const running = useMemo(() => nodesThatRun(state.sessions), [state.sessions]);
  const project = state.project;
  useTitle((listed ?? project)?.name ?? null, state.sessions);
  useEffect(() => {
    if (state.accessLost) void onProjectsChanged();
  }, [state.accessLost]);
  const isListed = listed !== null;
  const wasListed = useRef(isListed);
  useEffect(() => {
    // The project was shared with this user (again).
    if (isListed && !wasListed.current && state.accessLost) onReopen();
    wasListed.current = isListed;
  }, [isListed]);
  if (state.accessLost) {
    return (
      <main class="panels">
        <aside class="panel workflow">{list}</aside>
        <section class="panel conversation welcome">
          <ErrorNotice
            error={accessError(state.accessLost)}
            actions={[["All projects", () => onGo({ projectId: null, nodeId: null })]]}
          />
        </section>
      </main>
    );
  }
  const nodes = project?.nodes ?? [];
  const goto = (nodeId: string | null) => onGo({ projectId: feed.projectId, nodeId });
  const names = new Set(nodes.map((node) => node.name));
  const others = [...state.sessions.values()].filter(
    ({ session: one, isDeleted }) => one.node_id !== null && !names.has(one.node_id) && !isDeleted,
  );
  return (
    <main class="panels">
      <aside class="panel workflow" aria-label="Projects and workflow">
        {list}
        <section class="graph-section" aria-labelledby="workflow-title">
          <div class="section-head">
            <h2 id="workflow-title">Workflow</h2>
            {project && (
              <ProjectSettings
                feed={feed}
                project={listed ?? project}
                api={api}
                userId={userId}
                onGo={onGo}
                onChanged={onProjectsChanged}
              />
            )}
          </div>
          <button
            type="button"
            class="row entire"
            aria-current={route.nodeId === null ? "true" : undefined}
            onClick={() => goto(null)}
          >
            <span class={`run-dot ${running.has(null) ? "on" : ""}`} aria-hidden="true" />
            <span class="row-name">Entire project</span>
            {running.has(null) && <span class="visually-hidden">a turn is running</span>}
          </button>
          <WorkflowGraph nodes={nodes} current={route.nodeId} running={running} onChoose={goto} />
          {project?.nodes_truncated && <p class="faint">The code has more agents than are drawn here.</p>}
          {others.length > 0 && (
            <details class="others">
              <summary>Conversations about removed agents</summary>
              {others.map(({ session: one }) => (
                <button
                  key={one.session_id}
                  type="button"
                  class="row"
                  aria-current={route.nodeId === one.node_id ? "true" : undefined}
                  onClick={() => goto(one.node_id)}
                >
                  <Name text={one.node_id ?? ""} />
                </button>
              ))}
            </details>
          )}
        </section>
      </aside>
      <Conversation
        key={route.nodeId === null ? "project" : `node ${route.nodeId}`}
        feed={feed}
        session={session}
        nodeId={route.nodeId}
        isAgentMissing={
          project !== null && route.nodeId !== null && !names.has(route.nodeId) && !project.nodes_truncated
        }
        problem={problem}
        typedAhead={typedAhead}
        onStart={start}
        onShow={show}
      />
      <CodePanel api={api} feed={feed} state={state} session={session} shown={shown} onShow={setShown} />
      <Announcer session={session} version={state.version} />
    </main>
  );
}

/** The session of a node, started when it is first opened. */
function useSession(
  feed: ProjectFeed,
  sessions: ReadonlyMap<string, SessionState>,
  nodeId: string | null,
  isReady: boolean,
): { session: SessionState | null; problem: UserError | null; start: () => void } {
  const [problem, setProblem] = useState<UserError | null>(null);
  const [opened, setOpened] = useState<{ nodeId: string | null; sessionId: string } | null>(null);
  const start = useCallback(() => {
    setProblem(null);
    feed
      .startSession(nodeId)
      .then(({ session_id: sessionId }) => setOpened({ nodeId, sessionId }))
      .catch((error: unknown) => setProblem(userError(error)));
  }, [feed, nodeId]);
  useEffect(() => {
    if (isReady) start();
  }, [isReady, start]);
  const session = opened?.nodeId === nodeId ? sessions.get(opened.sessionId) : undefined;
  const known = [...sessions.values()].find((one) => one.session.node_id === nodeId && !one.isDeleted);
  return { session: session ?? known ?? null, problem, start };
}

function nodesThatRun(sessions: ReadonlyMap<string, SessionState>): ReadonlySet<string | null> {
  const running = [...sessions.values()].filter((session) => !session.isDeleted && isRunning(session));
  return new Set(running.map((session) => session.session.node_id));
}
