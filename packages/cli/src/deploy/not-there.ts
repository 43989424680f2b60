/** Why a path is not there, and what to do: another name, a build that makes it, or a file in the place of a folder. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { orNear } from "../did-you-mean.ts";

const SAM_BUILD = `${sep}${join(".aws-sam", "build")}${sep}`;
/** What makes the code below a folder of the project: by the project's file, the build's output, and the command. */
const BUILDS: ReadonlyArray<readonly [file: string, output: RegExp, command: string]> = [
  ["pom.xml", /^target(?:$|\/)/, "mvn package"],
  ["build.gradle", /^build(?:$|\/)/, "gradle build"],
  ["build.gradle.kts", /^build(?:$|\/)/, "gradle build"],
];
/** A longer listing helps nobody. */
const SHOWN_MAX = 10;

/** A sentence with its reason. `full`: absolute, and not there. */
export function notThere(full: string): string {
  if (`${full}${sep}`.includes(SAM_BUILD))
    return `${full} is not there, which sam build makes: it was removed, or is of another build. Run: sam build`;
  const { above, missing } = firstMissing(full);
  if (!statSync(above).isDirectory()) return `${full} is not there: ${above} is a file, and no folder`;
  const names = readdirSync(above);
  const near = orNear(missing, names);
  if (near !== "") return `${full} is not there${near}`;
  const build = buildOf(full);
  if (build !== null) return `${full} is not there. Make it: ${build}`;
  const there = names.filter((name) => !name.startsWith("."));
  const more = there.length > SHOWN_MAX ? ", and more" : "";
  return `${full} is not there. In ${above} there is ${there.slice(0, SHOWN_MAX).join(", ") || "nothing"}${more}`;
}

/** The command that makes the code, by the project that it lies in; null: nothing says so. */
export function buildOf(full: string): string | null {
  for (let at = dirname(full); ; at = dirname(at)) {
    const inProject = relative(at, full).replaceAll(sep, "/");
    const found = BUILDS.find(([file, output]) => output.test(inProject) && existsSync(join(at, file)));
    if (found !== undefined) return `(cd ${at} && ${found[2]})`;
    if (hasBuildScript(join(at, "package.json"))) return `(cd ${at} && npm run build)`;
    if (at === dirname(at)) return null;
  }
}

function hasBuildScript(path: string): boolean {
  try {
    const { scripts } = JSON.parse(readFileSync(path, "utf8")) as { readonly scripts?: { readonly build?: unknown } };
    return scripts?.build !== undefined;
  } catch {
    return false;
  }
}

/** The last that is there on the way to a path, and the name that it does not have. */
export function firstMissing(full: string): { readonly above: string; readonly missing: string } {
  let at = full;
  while (!existsSync(dirname(at))) at = dirname(at);
  return { above: dirname(at), missing: relative(dirname(at), at) };
}
