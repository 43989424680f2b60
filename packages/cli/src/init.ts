/** thaw init [FOLDER]: a small function that starts from a snapshot, ready to be tested and deployed. */
import {
  closeSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline/promises";
import { PROGRAM } from "@thaw/installation";
import { CommandError } from "@thaw/installation/command-error";
import { toStackName } from "@thaw/template/stack-names";
import { print, printJson } from "./table.ts";

/** What is to be done before a sample can be deployed, and how it is tested, by its runtime. */
const SAMPLES = {
  nodejs: { test: "npm test", build: null },
  python: { test: "python3 -m unittest", build: null },
  typescript: { test: "npm install && npm test", build: null },
  java: { test: "mvn test", build: "mvn package" },
} as const;

export type SampleRuntime = keyof typeof SAMPLES;
export const SAMPLE_RUNTIMES = Object.keys(SAMPLES) as readonly SampleRuntime[];

const SAMPLES_FOLDER = join(import.meta.dirname, "../samples");
/** Leftovers of work on the samples themselves. */
const NOT_COPIED = new Set(["node_modules", "dist", "target", "__pycache__"]);

export interface InitOptions {
  readonly runtime?: SampleRuntime;
  readonly json: boolean;
}

/** Throws CommandError where something is in the way; nothing is written then. */
export async function init(given: string | undefined, { runtime: named, json }: InitOptions): Promise<void> {
  const folder = resolve(given ?? ".");
  const runtime = named ?? (await askRuntime());
  const sample = join(SAMPLES_FOLDER, runtime);
  const files = listSample(sample, "");
  refuseObstacles(folder, files);
  writeAll(folder, sample, files);
  const next = nextSteps(given, folder, runtime);
  if (json) return printJson({ folder, runtime, files, next });
  print(`${files.map((name) => `  + ${join(given ?? "", name)}\n`).join("")}Next:\n`);
  print(next.map((line) => `  ${line}\n`).join(""));
}

/** Asks on a terminal only: elsewhere nobody would answer. */
async function askRuntime(): Promise<SampleRuntime> {
  const list = SAMPLE_RUNTIMES.join(", ");
  if (!process.stdin.isTTY) throw new CommandError(`init needs a runtime. Name one: --runtime ${list}`);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = (await terminal.question(`Runtime (${list}): `)).trim();
    const found = SAMPLE_RUNTIMES.find((each) => each === answer);
    if (found === undefined)
      throw new CommandError(`there is no sample for ${answer || "nothing"}. There are: ${list}`);
    return found;
  } finally {
    terminal.close();
  }
}

/** Paths of a sample's files, with slashes, in an order that is always the same. */
function listSample(folder: string, below: string): readonly string[] {
  const entries = readdirSync(join(folder, below), { withFileTypes: true }).filter(({ name }) => !NOT_COPIED.has(name));
  const sorted = entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  return sorted.flatMap((entry) => {
    const path = below === "" ? entry.name : `${below}/${entry.name}`;
    return entry.isDirectory() ? listSample(folder, path) : [path];
  });
}

function refuseObstacles(folder: string, files: readonly string[]): void {
  const there = statSync(folder, { throwIfNoEntry: false });
  if (there !== undefined && !there.isDirectory())
    throw new CommandError(`${folder} is no folder. Name another one: ${PROGRAM} init FOLDER`);
  const folders = foldersOf(files).filter((name) => kindAt(join(folder, name)) === "other");
  const inTheWay = [...files.filter((name) => kindAt(join(folder, name)) !== null), ...folders].sort();
  if (inTheWay.length === 0) return;
  throw new CommandError(
    `nothing was written: ${folder} has ${inTheWay.join(", ")} already. Name another folder: ${PROGRAM} init FOLDER`,
  );
}

/** A link counts as other: nothing is written through it. Null: there is nothing. */
function kindAt(path: string): "folder" | "other" | null {
  try {
    return lstatSync(path).isDirectory() ? "folder" : "other";
  } catch (error) {
    // Below a file that is in the way itself.
    if (["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) return null;
    throw error;
  }
}

/** Folders that the files lie in, outer ones first. */
function foldersOf(files: readonly string[]): readonly string[] {
  const found = files.flatMap((name) => {
    const parts = name.split("/").slice(0, -1);
    return parts.map((_part, at) => parts.slice(0, at + 1).join("/"));
  });
  return [...new Set(found)].sort();
}

/** Writes all files, or takes away again what it has made and throws. */
function writeAll(folder: string, sample: string, files: readonly string[]): void {
  const undo: Array<() => void> = [];
  try {
    for (const path of [...missingAbove(folder), ...foldersOf(files).map((name) => join(folder, name))]) {
      if (statSync(path, { throwIfNoEntry: false }) !== undefined) continue;
      mkdirSync(path);
      undo.push(() => rmdirSync(path));
    }
    for (const name of files) {
      const path = join(folder, name);
      // Refuses a file that has come since, so that the undoing removes none but our own.
      const file = openSync(path, "wx");
      undo.push(() => rmSync(path));
      try {
        writeFileSync(file, readFileSync(join(sample, name)));
      } finally {
        closeSync(file);
      }
    }
  } catch (error) {
    for (const step of undo.reverse()) step();
    throw new CommandError(`nothing was written: ${(error as Error).message}`);
  }
}

/** The folder and those above it that are not there yet, outer ones first. */
function missingAbove(folder: string): readonly string[] {
  if (statSync(folder, { throwIfNoEntry: false }) !== undefined) return [];
  return [...(dirname(folder) === folder ? [] : missingAbove(dirname(folder))), folder];
}

/** Commands that lead to an answer of the function, as they are typed where this one was. */
function nextSteps(given: string | undefined, folder: string, runtime: SampleRuntime): readonly string[] {
  const { test, build } = SAMPLES[runtime];
  const path = given === undefined ? "" : quote(given);
  const inside = (command: string): string => (path === "" ? command : `(cd ${path} && ${command})`);
  return [
    inside(test),
    ...(build === null ? [] : [inside(build)]),
    `${PROGRAM} deploy${path === "" ? "" : ` ${path}`}`,
    `${PROGRAM} invoke ${toStackName(basename(folder))}:live`,
  ];
}

/** Makes a path one word of a shell. */
function quote(path: string): string {
  return /^[\w./~-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}
