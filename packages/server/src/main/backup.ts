/**
 * `thaw backup DIR` and `thaw restore DIR`: the whole state of a data directory, also while its server runs.
 *
 * Files are named by content or by a new id, and never changed: so files come first, then the database as of one
 * moment, then the files that came meanwhile. Should the database name code that went in between (a function was
 * deleted at that moment), it is copied anew. Keys and secrets come last: a key that is not there any more is of
 * something deleted. A backup holds all secrets: it is root's alone.
 */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { defaultDataDirOf } from "@thaw/installation";
import { systemClock } from "../base/clock.ts";
import { copyDatabase, readDatabaseFacts } from "../store/copy-database.ts";
import { UsageError } from "./options/usage-error.ts";

const BACKUP_FORMAT = 1;
const MARK = "thaw-backup.json";
const DATABASE = "thaw.db";
const LOGS = "logs.db";
/** Made anew at each start, or part of the database's own files. */
const NOT_COPIED = /^(scratch|server\.json|(thaw|logs)\.db.*|.*\.(partial|new|sock))$/;
/** Small, replaced as a whole, and needed to read the rest: copied last. */
const SECRETS = /^(secret|credentials|keyring\.json.*)$/;
const ATTEMPTS_MAX = 5;

interface Mark {
  readonly format: number;
  readonly databaseFormat: number;
  readonly createdAt: string;
}

export async function backupMain(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  const { directory, dataDir } = parse("backup", argv, env);
  if (!existsSync(join(dataDir, DATABASE))) throw new UsageError(`${dataDir} has no data of Thaw. Name it: --data DIR`);
  if (existsSync(directory)) throw new UsageError(`${directory} is there already: a backup is a new directory`);
  const partial = `${directory}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true, mode: 0o700 });
  const mark = await copyAll(dataDir, partial);
  writeFileSync(join(partial, MARK), `${JSON.stringify(mark)}\n`);
  sync(partial);
  renameSync(partial, directory);
  process.stdout.write(`${directory}: ${Math.ceil(sizeOf(directory) / 1024 / 1024)} MiB\n`);
}

async function copyAll(dataDir: string, target: string): Promise<Mark> {
  const files = readdirSync(dataDir).filter((name) => !NOT_COPIED.test(name) && !SECRETS.test(name));
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    copyFiles(dataDir, files, target);
    rmSync(join(target, DATABASE), { force: true });
    await copyDatabase(join(dataDir, DATABASE), join(target, DATABASE));
    copyFiles(dataDir, files, target);
    const facts = readDatabaseFacts(join(target, DATABASE));
    if (!facts.codeNames.every((name) => existsSync(join(target, "code", name)))) continue;
    const copied = [DATABASE];
    if (existsSync(join(dataDir, LOGS))) {
      await copyDatabase(join(dataDir, LOGS), join(target, LOGS));
      copied.push(LOGS);
    }
    for (const name of copied) {
      const { uid, gid } = statSync(join(dataDir, name));
      run("chown", [`${uid}:${gid}`, join(target, name)]);
      chmodSync(join(target, name), 0o600);
    }
    copyFiles(
      dataDir,
      readdirSync(dataDir).filter((name) => SECRETS.test(name)),
      target,
    );
    return {
      format: BACKUP_FORMAT,
      databaseFormat: facts.format,
      createdAt: new Date(systemClock.nowMs()).toISOString(),
    };
  }
  throw new Error("functions are deleted faster than they can be copied: try again");
}

export async function restoreMain(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  const { directory, dataDir } = parse("restore", argv, env);
  if (!existsSync(join(directory, MARK))) throw new UsageError(`${directory} is no whole backup: it has no ${MARK}`);
  const mark = JSON.parse(readFileSync(join(directory, MARK), "utf8")) as Mark;
  if (mark.format !== BACKUP_FORMAT)
    throw new UsageError(`${directory} has backup format ${mark.format}; this version of Thaw knows ${BACKUP_FORMAT}`);
  if (existsSync(dataDir) && readdirSync(dataDir).length > 0)
    throw new UsageError(`${dataDir} is not empty. Stop the server, and move what is there aside.`);
  readDatabaseFacts(join(directory, DATABASE));
  const partial = `${dataDir}.partial`;
  rmSync(partial, { recursive: true, force: true });
  run("cp", ["-a", "--reflink=auto", "--sparse=always", "--", directory, partial]);
  rmSync(join(partial, MARK));
  chmodSync(partial, 0o700);
  sync(partial);
  rmSync(dataDir, { recursive: true, force: true });
  renameSync(partial, dataDir);
  process.stdout.write(`${dataDir}: as of ${mark.createdAt}\n`);
}

function parse(
  what: string,
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): { readonly directory: string; readonly dataDir: string } {
  const usage = `Usage: thaw ${what} DIR [--data DIR]`;
  if (process.geteuid?.() !== 0)
    throw new UsageError(`thaw ${what} reads and writes files of several users: run it as root`);
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      options: { data: { type: "string" } },
      allowPositionals: true,
    });
    const [directory, ...more] = positionals;
    if (directory === undefined || more.length > 0) throw new UsageError(usage);
    const dataDir = values.data ?? env["THAW_DATA"] ?? defaultDataDirOf(env, true);
    return { directory: resolve(directory), dataDir: resolve(dataDir) };
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`${(error as Error).message}\n${usage}`);
  }
}

/** Owners, modes, links and holes as they are. What vanishes while it is copied was deleted by the server. */
function copyFiles(from: string, names: readonly string[], to: string): void {
  if (names.length === 0) return;
  const paths = names.map((name) => join(from, name));
  const done = spawnSync("cp", ["-a", "--reflink=auto", "--sparse=always", "-u", "-t", to, "--", ...paths], {
    encoding: "utf8",
    env: { LC_ALL: "C" },
  });
  const complaints = done.stderr
    .split("\n")
    .filter((line) => line !== "" && !line.includes("No such file or directory"));
  if (done.error !== undefined || complaints.length > 0)
    throw new Error(`cp: ${done.error?.message ?? complaints.join("\n")}`);
}

function run(program: string, args: readonly string[]): void {
  const done = spawnSync(program, args, { encoding: "utf8" });
  if (done.status !== 0) throw new Error(`${program}: ${done.error?.message ?? done.stderr.trim()}`);
}

function sync(path: string): void {
  run("sync", ["--file-system", path]);
}

function sizeOf(path: string): number {
  return Number(spawnSync("du", ["-sb", path], { encoding: "utf8" }).stdout.split("\t")[0]);
}

/** For the command line: what is wrong is said in one line. */
export async function main(command: "backup" | "restore", argv: readonly string[]): Promise<void> {
  try {
    await (command === "backup" ? backupMain : restoreMain)(argv, process.env);
  } catch (error) {
    process.stderr.write(`thaw: ${(error as Error).message}\n`);
    process.exitCode = error instanceof UsageError ? 2 : 1;
  }
}
