/** The content of the code panel: a version, its change, or a proposed change. */

import type { ApiClient } from "@vibewire/client";
import { memo } from "preact/compat";
import { CodeView } from "./code_view.tsx";
import { patched } from "./diff_rows.ts";
import { DiffView } from "./diff_view.tsx";
import { ErrorNotice } from "./error_notice.tsx";
import type { Proposal } from "./proposal.ts";
import { Name, Seen } from "./seen.tsx";
import { useCode } from "./use_versions.ts";

interface Props {
  api: ApiClient;
  projectId: string;
  tab: "code" | "changes";
  version: number;
  newest: number;
  current: string;
  note: string;
  isSplit: boolean;
  proposal: Proposal | null;
}

const PROPOSED: Record<Proposal["verdict"], string> = {
  review: "Proposed by VibeCoder; the Evaluator is reviewing it",
  rejected: "Rejected by the Evaluator; VibeCoder tries again",
  approved: "Approved; landing",
};

export const CodeBody = memo(({ api, projectId, tab, version, newest, current, note, isSplit, proposal }: Props) => {
  const isNewest = version === newest;
  const read = useCode(api, projectId, version, isNewest ? current : null);
  const readBefore = useCode(api, projectId, version - 1, version < 2 ? "" : null, tab === "changes" && !proposal);
  const [{ code }, { code: before }] = [read, readBefore];
  if (tab === "changes" && proposal) {
    const after = patched(current, proposal.patch);
    return (
      <>
        <p class={`change-head ${proposal.verdict}`}>
          <strong>{PROPOSED[proposal.verdict]}</strong>
        </p>
        {after === null ? (
          <pre class="code plain">
            <Seen text={proposal.patch} where="change" />
          </pre>
        ) : (
          <DiffView before={current} after={after} isSplit={isSplit} />
        )}
      </>
    );
  }
  for (const { problem, again } of [read, readBefore])
    if (problem) return <ErrorNotice error={problem} actions={[["Try again", again]]} />;
  if (code === null || (tab === "changes" && before === null))
    return <p class="faint empty">Loading version {version}…</p>;
  if (tab === "code") return <CodeView code={code} />;
  return (
    <>
      <p class="change-head">
        <strong>Version {version}</strong> <Name text={version === 1 ? "The first one" : note} />
      </p>
      <DiffView before={version === 1 ? code : (before ?? "")} after={code} isSplit={isSplit} />
    </>
  );
});
