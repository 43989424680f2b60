/** Code that was saved after `sam build` has run: what is deployed then is older than what somebody sees. */
import { readdirSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { readFunctions } from "@thaw/template/functions";
import { readTemplate } from "@thaw/template/template";

/** As many files are looked at, at most. */
const ENTRIES_MAX = 20_000;
const SKIPPED = new Set(["node_modules", ".git", ".aws-sam", "__pycache__", ".venv", "target", "build", "dist"]);

/** A sentence that names a file; null: what was built is as new as the code, or nobody can tell. */
export function staleBuild(source: string, built: string): string | null {
  try {
    const builtMs = statSync(built).mtimeMs;
    const folder = dirname(source);
    const paths = readFunctions(readTemplate(source), "stack").flatMap(({ code }) =>
      code.kind === "path" ? [resolve(folder, code.path)] : [],
    );
    const newer = findNewer([...new Set(paths)], builtMs);
    if (newer === null) return null;
    return `${relative(folder, newer)} was saved after sam build has run, and is not in what is deployed. Run: sam build`;
  } catch {
    // What is wrong with the template is said where it is read.
    return null;
  }
}

function findNewer(roots: readonly string[], builtMs: number): string | null {
  const waiting = [...roots];
  let count = 0;
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found === undefined) continue;
    if (++count > ENTRIES_MAX) return null;
    if (found.isFile() && found.mtimeMs > builtMs) return path;
    if (!found.isDirectory()) continue;
    for (const entry of readdirSync(path, { withFileTypes: true }))
      if (!SKIPPED.has(entry.name) && !entry.isSymbolicLink()) waiting.push(join(path, entry.name));
  }
  return null;
}
