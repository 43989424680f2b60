/**
 * Finds the template that `thaw deploy` is for, as `sam deploy` does: template.yaml, template.yml or template.json of a
 * folder, or what `sam build` has written, where that is newer.
 */
import { existsSync, statSync } from "node:fs";
import { basename, dirname, join, resolve, sep } from "node:path";
import { CommandError } from "@thaw/installation/command-error";

export interface FoundTemplate {
  readonly path: string;
  /** Sentences about the choice. */
  readonly notes: readonly string[];
}

const NAMES = ["template.yaml", "template.yml", "template.json"];
const BUILT = join(".aws-sam", "build", "template.yaml");

/** Throws CommandError when there is none. `given`: a file or a folder; undefined: this folder. */
export function findTemplate(given: string | undefined): FoundTemplate {
  const path = resolve(given ?? ".");
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) throw new CommandError(`${path} can't be read: it is not there`);
  return found.isDirectory() ? findIn(path) : { path, notes: [] };
}

function findIn(folder: string): FoundTemplate {
  const [source, ...others] = NAMES.map((name) => join(folder, name)).filter((path) => existsSync(path));
  const built = join(folder, BUILT);
  const notes = others.map((other) => `${basename(other)} is not used: there is ${basename(source ?? "")}`);
  if (existsSync(built) && (source === undefined || isOlder(source, built)))
    return { path: built, notes: [...notes, `${BUILT} is used, which sam build has written`] };
  if (source === undefined)
    throw new CommandError(`${folder} has no template: no ${NAMES.join(", no ")} and no ${BUILT}. Name its file`);
  if (existsSync(built)) notes.push(`${BUILT} is not used: ${basename(source)} is newer. Run sam build to build again`);
  return { path: source, notes };
}

function isOlder(one: string, other: string): boolean {
  return statSync(one).mtimeMs <= statSync(other).mtimeMs;
}

/** Names the project of a template; that of `sam build` lies in PROJECT/.aws-sam/build. */
export function projectDirectory(path: string): string {
  const parts = dirname(path).split(sep);
  return parts.slice(-2).join("/") === ".aws-sam/build" ? parts.slice(0, -2).join(sep) : dirname(path);
}
