/**
 * `thaw backup DIR` and `thaw restore DIR`: the whole state of a data directory, also while its server runs.
 *
 * Files are named by content or by a new id, and never changed: so files come first, then the database of each account
 * and Region as of one moment, then the files that came meanwhile. Should a database name code that went in between (a
 * function was deleted at that moment), all is copied anew. Keys and secrets come last: a key that is not there any
 * more is of something deleted. A backup holds all secrets: it is root's alone.
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
import { copyDatabase, readContentPaths, readDatabaseFacts } from "../store/copy-database.ts";
import { copyFiles } from "./copy-files.ts";
import { DATABASE_MARK } from "./metadata-database.ts";
import { UsageError } from "./options/usage-error.ts";
import { ACCOUNTS_DIRECTORY, DATABASE, scopeDirectories } from "./scope-directories.ts";

const BACKUP_FORMAT = 1;
const MARK = "thaw-backup.json";
/** The index of objects; a data directory of an earlier release has none. */
const OBJECTS = "objects.db";
const LOGS = "logs.db";
/** Made anew at each start, or part of the database's own files. */
const NOT_COPIED = /^(scratch|server\.json|accounts|(thaw|objects|logs)\.db.*|.*\.(partial|new|sock))$/;
/** Small, replaced as a whole, and needed to read the rest: copied last. */
const SECRETS = /^(secret|credentials|accounts\.json|keyring\.json.*)$/;
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
  if (existsSync(join(dataDir, DATABASE_MARK)))
    throw new UsageError(
      `The metadata of ${dataDir} is in a PostgreSQL database, which thaw backup does not reach. Stop the server, save the database with pg_dump and the directory with cp -a: both are of one moment then.`,
    );
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
    // One that comes meanwhile is of the time after the backup.
    const scopes = scopeDirectories(dataDir).map(({ accountId, region }) =>
      join(ACCOUNTS_DIRECTORY, accountId, region),
    );
    const databases = [".", ...scopes];
    for (const below of scopes) makeLike(dataDir, target, below);
    for (const below of databases) {
      await copyOneDatabase(join(dataDir, below), join(target, below));
      if (existsSync(join(dataDir, below, OBJECTS)))
        await copyOneDatabase(join(dataDir, below), join(target, below), OBJECTS);
    }
    copyFiles(dataDir, files, target);
    for (const below of scopes) {
      const own = readdirSync(join(dataDir, below)).filter((name) => !NOT_COPIED.test(name));
      copyFiles(join(dataDir, below), own, join(target, below));
    }
    const all = databases.map((below) => readDatabaseFacts(join(target, below, DATABASE)));
    const names = all.flatMap(({ codeNames }) => codeNames);
    if (!names.every((name) => existsSync(join(target, "code", name)))) continue;
    if (!databases.every((below) => hasAllContent(join(target, below)))) continue;
    if (existsSync(join(dataDir, LOGS))) await copyOneDatabase(dataDir, target, LOGS);
    copyFiles(
      dataDir,
      readdirSync(dataDir).filter((name) => SECRETS.test(name)),
      target,
    );
    return {
      format: BACKUP_FORMAT,
      databaseFormat: Math.max(...all.map(({ format }) => format)),
      createdAt: new Date(systemClock.nowMs()).toISOString(),
    };
  }
  throw new Error("functions or objects are deleted faster than they can be copied: try again");
}

/** Whether all files are there that the index of objects names. */
function hasAllContent(target: string): boolean {
  const index = join(target, OBJECTS);
  if (!existsSync(index)) return true;
  return readContentPaths(index).every((path) => existsSync(join(target, "objects/content", path)));
}

/** Makes a directory and those above it in the backup, with the owners that they have. */
function makeLike(from: string, to: string, path: string): void {
  const parts = path.split("/");
  for (const [at] of parts.entries()) {
    const below = parts.slice(0, at + 1).join("/");
    mkdirSync(join(to, below), { recursive: true, mode: 0o700 });
    own(join(from, below), join(to, below));
  }
}

async function copyOneDatabase(from: string, to: string, name = DATABASE): Promise<void> {
  rmSync(join(to, name), { force: true });
  await copyDatabase(join(from, name), join(to, name));
  own(join(from, name), join(to, name));
  chmodSync(join(to, name), 0o600);
}

function own(like: string, path: string): void {
  const { uid, gid } = statSync(like);
  run("chown", [`${uid}:${gid}`, path]);
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
  for (const { accountId, region } of scopeDirectories(directory))
    readDatabaseFacts(join(directory, ACCOUNTS_DIRECTORY, accountId, region, DATABASE));
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
