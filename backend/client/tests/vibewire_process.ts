/** A server process as `make run` starts it, on a free port. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "../../..");
const START_TIMEOUT_MS = 40_000;

export class VibewireProcess {
  url = "";
  readonly #dataDir = mkdtempSync(join(tmpdir(), "vibewire-"));
  #process: ChildProcess | undefined;

  constructor(readonly settings: Record<string, string> = {}) {}

  /** Start the server; after `kill` again on the same port and data. */
  async start(): Promise<this> {
    const inherited = Object.entries(process.env).filter(([name]) => !/^(VIBEWIRE_|OPENAI_)/.test(name));
    const port = this.url ? new URL(this.url).port : "0";
    const settings = { VIBEWIRE_DATA_DIR: this.#dataDir, VIBEWIRE_PORT: port, ...this.settings };
    this.#process = spawn(join(ROOT, ".venv/bin/python"), ["-m", "backend.local.main"], {
      cwd: ROOT,
      env: { ...Object.fromEntries(inherited), ...settings },
      stdio: ["ignore", "pipe", "inherit"],
    });
    await this.#untilReady(this.#process);
    return this;
  }

  /** kill -9. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  async close(): Promise<void> {
    await this.#end("SIGTERM");
    rmSync(this.#dataDir, { recursive: true, force: true });
  }

  #untilReady(started: ChildProcess): Promise<void> {
    return new Promise((resolve, reject) => {
      let printed = "";
      const deadline = setTimeout(() => started.kill("SIGKILL"), START_TIMEOUT_MS);
      started.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
        printed += chunk;
        const found = /listening on (http:\/\/\S+)\s/.exec(printed);
        if (!found?.[1]) return;
        clearTimeout(deadline);
        this.url = found[1];
        resolve();
      });
      started.once("exit", () => reject(new Error(`The server did not start: ${printed}`)));
    });
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const running = this.#process;
    if (!running || running.exitCode !== null || running.signalCode !== null) return;
    const exited = once(running, "exit");
    running.kill(signal);
    await exited;
  }
}
