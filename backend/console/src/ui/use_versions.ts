import type { ApiClient, Version } from "@vibewire/client";
import { useEffect, useState } from "preact/hooks";
import { type UserError, userError } from "../error_messages.ts";

const kept = new Map<string, string>();
const MOST_KEPT = 40;
const RETRY_MS = 10_000;

/** The history of the code, newest first; read again when there is a newer version. */
export function useVersions(api: ApiClient, projectId: string, newest: number): readonly Version[] {
  const [versions, setVersions] = useState<readonly Version[]>([]);
  const [asked, again] = useState(0);
  useEffect(() => {
    if (newest === 0) return;
    let isCurrent = true;
    let retry: ReturnType<typeof setTimeout> | undefined;
    api.listVersions(projectId).then(
      (page) => isCurrent && setVersions(page.versions),
      () => {
        // Until then the stepper shows version numbers only.
        if (isCurrent) retry = setTimeout(() => again((times) => times + 1), RETRY_MS);
      },
    );
    return () => {
      isCurrent = false;
      clearTimeout(retry);
    };
  }, [api, projectId, newest, asked]);
  return versions;
}

interface FoundCode {
  /** Null until it is loaded. */
  code: string | null;
  /** Why it could not be loaded. */
  problem: UserError | null;
  again: () => void;
}

/** The code of one version. `known`: the code, if it need not be loaded. */
export function useCode(
  api: ApiClient,
  projectId: string,
  version: number,
  known: string | null,
  isWanted = true,
): FoundCode {
  const key = `${projectId} ${version}`;
  const [asked, ask] = useState(0);
  const [failure, setFailure] = useState<{ key: string; problem: UserError } | null>(null);
  const code = known ?? kept.get(key) ?? null;
  useEffect(() => {
    // Versions never change: they are cached, so that stepping through them does not flicker.
    if (known !== null && version > 0) keep(key, known);
    if (code !== null || version < 1 || !isWanted) return;
    let isCurrent = true;
    api.getProject(projectId, version).then(
      (project) => {
        keep(key, project.code ?? "");
        if (isCurrent) ask((times) => times + 1);
      },
      (error: unknown) => isCurrent && setFailure({ key, problem: userError(error) }),
    );
    return () => {
      isCurrent = false;
    };
  }, [key, code === null, known, isWanted, asked]);
  const again = () => {
    setFailure(null);
    ask((times) => times + 1);
  };
  return { code, problem: code === null && failure?.key === key ? failure.problem : null, again };
}

function keep(key: string, code: string): void {
  kept.delete(key);
  kept.set(key, code);
  const [oldest] = kept.keys();
  if (kept.size > MOST_KEPT && oldest !== undefined) kept.delete(oldest);
}
