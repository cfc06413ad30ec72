import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const CONSOLE = join(import.meta.dirname, "..");
const SOURCES = join(CONSOLE, "src");
const MAKES_HTML =
  /innerHTML|outerHTML|insertAdjacentHTML|dangerouslySetInnerHTML|document\.write|srcdoc|createContextualFragment|DOMParser|setHTMLUnsafe|\beval\(|new Function\(/;

function sources(): string[] {
  return readdirSync(SOURCES, { recursive: true, encoding: "utf8" }).filter((name) => /\.tsx?$/.test(name));
}

test("nothing in the console's source makes HTML of text, or code", () => {
  expect(sources().length).toBeGreaterThan(20);
  expect(sources().filter((name) => MAKES_HTML.test(readFileSync(join(SOURCES, name), "utf8")))).toEqual([]);
});

test("the pages tell the browser to refuse it too, and have no script or style in themselves", () => {
  for (const page of ["index.html", "docs.html"]) {
    const html = readFileSync(join(CONSOLE, page), "utf8");
    expect(html).toContain("require-trusted-types-for 'script'");
    expect(html).not.toMatch(/unsafe-|<style|style="|\son\w+="|<script(?![^>]*src=)/);
  }
});

test("the lock file holds no addresses, the hash of each package, and those of all platforms", () => {
  const lock = JSON.parse(readFileSync(join(CONSOLE, "package-lock.json"), "utf8")) as {
    packages: Record<string, { integrity?: string; resolved?: string; optionalDependencies?: Record<string, string> }>;
  };
  const packages = Object.entries(lock.packages).filter(([name]) => name !== "");
  expect(packages.filter(([, one]) => one.resolved).map(([name]) => name)).toEqual([]);
  expect(packages.filter(([, one]) => !one.integrity).map(([name]) => name)).toEqual([]);
  // A lock that was written where a package for another platform was not to be had fails `npm ci` everywhere.
  const named = packages.flatMap(([, one]) => Object.keys(one.optionalDependencies ?? {}));
  expect(named.filter((name) => !lock.packages[`node_modules/${name}`])).toEqual([]);
});
