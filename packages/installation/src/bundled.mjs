// Programs in few files: `tools/build-programs.ts` bundles the sources into a folder of `dist`. A program of 800
// modules spends two thirds of its start in finding and loading them. This is JavaScript, as it comes before all
// TypeScript.
//
// A bundle is used only while all that it was made of is as it was. So a checkout whose sources were edited runs these.
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/** Below the checkout, or below what the package installed. */
export const DIST = "dist";
/**
 * What the newest bundles were made of, as `{ folder, inputs }`. `folder` is theirs in `dist`; `inputs` are `[path,
 * size in bytes, time of the last change in ms]`, and none in an installed package.
 */
export const BUNDLES = "bundles.json";

/** Names the bundle of a program; null where there is none of the sources as they are now, or sources are asked for. */
export function bundled(root, program, env = process.env) {
  if (env.THAW_PROGRAMS === "sources") return null;
  try {
    const { folder, inputs } = JSON.parse(readFileSync(join(root, DIST, BUNDLES), "utf8"));
    return inputs.every((input) => isCurrent(root, input)) ? join(root, DIST, folder, `${program}.mjs`) : null;
  } catch {
    // Not built, or a source has gone.
    return null;
  }
}

function isCurrent(root, [path, sizeBytes, changedMs]) {
  // A list has a thousand: `join` would take as long as the look.
  const { size, mtimeMs } = statSync(`${root}/${path}`);
  return size === sizeBytes && mtimeMs === changedMs;
}
