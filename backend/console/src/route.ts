/** The route in the page's address: a project, and the conversation of the project or of one of its nodes. */

export interface Route {
  projectId: string | null;
  /** Null: the conversation of the project. */
  nodeId: string | null;
}

export function readRoute(hash: string): Route {
  const [, kind, projectId, what, nodeId] = hash.replace(/^#/, "").split("/").map(decode);
  if (kind !== "project" || !projectId) return { projectId: null, nodeId: null };
  return { projectId, nodeId: what === "node" && nodeId ? nodeId : null };
}

export function addressOf({ projectId, nodeId }: Route): string {
  if (projectId === null) return "#/";
  const node = nodeId === null ? "" : `/node/${encodeURIComponent(nodeId)}`;
  return `#/project/${encodeURIComponent(projectId)}${node}`;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
