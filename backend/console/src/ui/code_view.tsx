import { reading, useCodeMirror } from "./code_mirror.ts";

/** Source in colours, with line numbers. */
export function CodeView({ code }: { code: string }) {
  const text = code.replace(/\n$/, "");
  const { box } = useCodeMirror(text, () => reading("Source"));
  return <div ref={box} class="code" role="region" aria-label={`Source, ${text.split("\n").length} lines`} />;
}
