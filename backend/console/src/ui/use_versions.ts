import { useEffect, useState } from "preact/hooks";
import type { ApiClient, Version } from "../client/index.ts";

const kept = new Map<string, string>();
const MOST_KEPT = 40;

/** The history of the code, newest first; read again when there is a newer version. */
export function useVersions(api: ApiClient, projectId: string, newest: number): readonly Version[] {
  const [versions, setVersions] = useState<readonly Version[]>([]);
  useEffect(() => {
    if (newest === 0) return;
    let isCurrent = true;
    api.listVersions(projectId).then(
      (page) => isCurrent && setVersions(page.versions),
      () => {}, // the numbers do without
    );
    return () => {
      isCurrent = false;
    };
  }, [api, projectId, newest]);
  return versions;
}

/** The code of one version; null while it is being read. `known`: no need to ask. */
export function useCode(
  api: ApiClient,
  projectId: string,
  version: number,
  known: string | null,
  isWanted = true,
): string | null {
  const key = `${projectId} ${version}`;
  const [, again] = useState(0);
  const code = known ?? kept.get(key) ?? null;
  useEffect(() => {
    // Versions never change: what was shown once is kept, so that stepping through them does not flicker.
    if (known !== null && version > 0) keep(key, known);
    if (code !== null || version < 1 || !isWanted) return;
    let isCurrent = true;
    api.getProject(projectId, version).then(
      (project) => {
        keep(key, project.code ?? "");
        if (isCurrent) again((times) => times + 1);
      },
      () => {}, // still "loading"; the connection's state says why
    );
    return () => {
      isCurrent = false;
    };
  }, [key, code === null, known, isWanted]);
  return code;
}

function keep(key: string, code: string): void {
  kept.delete(key);
  kept.set(key, code);
  const [oldest] = kept.keys();
  if (kept.size > MOST_KEPT && oldest !== undefined) kept.delete(oldest);
}
