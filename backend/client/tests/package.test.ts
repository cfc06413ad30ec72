import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { VibewireProcess } from "./vibewire_process.ts";

const PACKAGE = join(import.meta.dirname, "..");

test("the README's client runs in Node on the built package, and prints the answer", async () => {
  const packed = execFileSync("npm", ["pack", "--dry-run", "--json"], { cwd: PACKAGE, encoding: "utf8" });
  expect(packed).toContain('"dist/index.js"');
  expect(packed).not.toContain('"src/');
  const [, example = ""] = /```js\n(.*?)```/s.exec(readFileSync(join(PACKAGE, "README.md"), "utf8")) ?? [];
  const server = await new VibewireProcess().start();
  // A package may import itself by its name: as it is published, since Node does not know the condition of its sources.
  const client = spawn("node", ["--input-type=module"], {
    ...{ cwd: PACKAGE, timeout: 40_000 },
    stdio: ["pipe", "pipe", "inherit"],
  });
  try {
    client.stdin.end(example.replace("http://127.0.0.1:8765", server.url));
    let printed = "";
    for await (const chunk of client.stdout.setEncoding("utf8")) {
      printed += chunk;
      if (printed.includes("completed")) break;
    }
    expect(printed).toMatch(/^queued.*^running.*^completed [^n]/ms);
  } finally {
    const exited = once(client, "exit");
    if (client.exitCode === null && client.kill()) await exited;
    await server.close();
  }
});
