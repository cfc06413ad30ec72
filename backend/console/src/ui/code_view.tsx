import { useMemo } from "preact/hooks";
import { CodeLines } from "./code_lines.tsx";
import { memo } from "./hooks.ts";
import { useTokens } from "./use_tokens.ts";

/** Source in colours, with line numbers. */
export const CodeView = memo(({ code }: { code: string }) => {
  const tokens = useTokens(code);
  const lines = useMemo(() => code.replace(/\n$/, "").split("\n"), [code]);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <div class="code" tabIndex={0} role="region" aria-label={`Source, ${lines.length} lines`}>
      <CodeLines lines={lines} tokens={tokens} isSelectable />
    </div>
  );
});
