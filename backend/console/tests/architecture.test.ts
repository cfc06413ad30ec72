import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const CONSOLE = join(import.meta.dirname, "..");
const BACKEND = join(CONSOLE, "..");
const MAKES_HTML =
  /innerHTML|outerHTML|insertAdjacentHTML|dangerouslySetInnerHTML|document\.write|srcdoc|createContextualFragment|DOMParser|setHTMLUnsafe|\beval\(|new Function\(/;

function sources(folder: string): string[] {
  const names = readdirSync(join(BACKEND, folder), { recursive: true, encoding: "utf8" });
  return names.filter((name) => /\.tsx?$/.test(name)).map((name) => join(BACKEND, folder, name));
}

test("no source of the console or its client makes HTML or code of text", () => {
  const all = [...sources("console/src"), ...sources("client/src")];
  expect(all.length).toBeGreaterThan(20);
  expect(all.filter((path) => MAKES_HTML.test(readFileSync(path, "utf8")))).toEqual([]);
});

test("the pages forbid it to the browser too, and hold no inline script or style", () => {
  for (const page of ["index.html", "docs.html"]) {
    const html = readFileSync(join(CONSOLE, page), "utf8");
    expect(html).toContain("require-trusted-types-for 'script'");
    expect(html).not.toMatch(/unsafe-|<style|style="|\son\w+="|<script(?![^>]*src=)/);
  }
});

test("the lock file holds no download address, and the hash of each package on all platforms", () => {
  type Locked = {
    integrity?: string;
    resolved?: string;
    link?: boolean;
    optionalDependencies?: Record<string, string>;
  };
  const lock = JSON.parse(readFileSync(join(BACKEND, "package-lock.json"), "utf8")) as {
    packages: Record<string, Locked>;
  };
  const installed = Object.entries(lock.packages).filter(([name, { link }]) => /node_modules/.test(name) && !link);
  expect(installed.length).toBeGreaterThan(20);
  expect(installed.filter(([, { resolved }]) => resolved).map(([name]) => name)).toEqual([]);
  expect(installed.filter(([, { integrity }]) => !integrity).map(([name]) => name)).toEqual([]);
  // `npm ci` fails everywhere with a lock file that was written while a package of another platform was unavailable.
  const optional = installed.flatMap(([, one]) => Object.keys(one.optionalDependencies ?? {}));
  expect(optional.filter((name) => !lock.packages[`node_modules/${name}`])).toEqual([]);
});
