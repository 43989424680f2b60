/**
 * The privileged start: finds out of the settings what is to be started, and becomes the launcher, which starts it.
 *
 * ```text
 *  thaw serve (root) ══► thaw-sandboxd launch (root) ──► thaw-sandboxd (root)
 *                                                    ├─► node serve.ts (uid 64321, no new privileges)
 *                                                    └─► node helper.ts (root) ──► moto, installs of runtimes
 * ```
 * The helper is there for `--companion` and `--install-runtimes on-use` alone: without them no Node.js stays root.
 *
 * The launcher (crates/sandboxd/src/launcher) ends with any of them, and they with it. On SIGHUP it becomes this
 * program again, with the listening socket as standard input.
 */
import { chownSync, existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { flushCompileCache } from "node:module";
import { dirname, join, relative } from "node:path";
import { type Parts, PROGRAM, partsOf, ROOT, SETUP } from "@thaw/installation";
import { bundled } from "@thaw/installation/bundled";
import { homeCachePath, privateCache } from "@thaw/installation/compile-cache";
import { accessPointOf } from "../model/access-point.ts";
import { makeDataDirectory, makePrivateDirectory } from "./data-directory.ts";
import { hasProcess } from "./has-process.ts";
import { checkHostUsers } from "./host-users.ts";
import type { LaunchedProgram, LaunchPlan } from "./launch-plan.ts";
import { grantablePorts } from "./options/host-ports.ts";
import type { ServeOptions } from "./options/serve-options.ts";
import { type Settings, withoutOption } from "./options/settings.ts";
import { UsageError } from "./options/usage-error.ts";

const LISTEN_FD = "THAW_LISTEN_FD";
const PASSWORD_FILE = "database-password-file";
const NODE_FLAGS = ["--disable-warning=ExperimentalWarning"] as const;

interface Layout extends Parts {
  readonly runDir: string;
}

function findLayout(): Layout {
  const layout = { ...partsOf(process.env), runDir: `/run/thaw/${process.pid}` };
  for (const path of [layout.sandboxd, layout.supervisor, layout.pager, layout.clients]) {
    if (!existsSync(path)) throw new UsageError(`${path} is missing. Run: ${SETUP}`);
  }
  return layout;
}

function prepareDirectories(options: ServeOptions, layout: Layout): void {
  removeDeadRuns(dirname(layout.runDir));
  makeDataDirectory(options.dataDir, options.serverUid);
  const store = options.snapshotStore;
  // One that is there already belongs to who made it.
  if (store?.kind === "directory" && makePrivateDirectory(store.path))
    chownSync(store.path, options.serverUid, options.serverUid);
  mkdirSync(join(options.thawHome, "runtimes"), { recursive: true });
  mkdirSync(layout.runDir, { recursive: true, mode: 0o755 });
  // Commands on this host look for servers here.
  writeFileSync(join(layout.runDir, "data-directory"), options.dataDir);
}

/** Removes directories of launchers that were killed; all that was mounted there went with their namespaces. */
function removeDeadRuns(parent: string): void {
  if (!existsSync(parent)) return;
  for (const name of readdirSync(parent)) {
    if (/^\d+$/.test(name) && !hasProcess(name)) rmSync(join(parent, name), { recursive: true, force: true });
  }
}

/**
 * The settings as the server process gets them: without a configuration file, which its user may not be able to read.
 */
type Passed = Pick<Settings, "argv" | "env">;

/**
 * Becomes the launcher. `bundle`: that of the server, null where it is to be looked for. Throws a UsageError where the
 * settings don't fit this host.
 */
export function launch(options: ServeOptions, passed: Passed, bundle: string | null): void {
  // Directories and sockets made here and by sandboxd have modes of their own, whatever the service's mask is.
  process.umask(0o022);
  // Inherited by all that is started here: no core dump holds memory, wherever the host sends dumps.
  writeFileSync("/proc/self/coredump_filter", "0");
  const layout = findLayout();
  checkHostUsers(options.serverUid, options.companion !== null);
  try {
    prepareDirectories(options, layout);
    const program = bundle ?? bundled(ROOT, "serve") ?? join(import.meta.dirname, "serve.ts");
    const plan = planFor(options, layout, passed, program);
    const path = join(layout.runDir, "plan.json");
    writeFileSync(path, JSON.stringify(plan), { mode: 0o600 });
    // The next start finds them, however this one ends.
    flushCompileCache();
    process.removeAllListeners("warning");
    const env = { ...process.env, ...ownCompileCache(options) };
    process.execve?.(layout.sandboxd, [layout.sandboxd, "launch", path], env);
  } catch (error) {
    rmSync(layout.runDir, { recursive: true, force: true });
    throw error;
  }
}

function planFor(options: ServeOptions, layout: Layout, passed: Passed, program: string): LaunchPlan {
  const hasHelper = options.companion !== null || options.installRuntimes === "on-use";
  return {
    listen: process.env[LISTEN_FD] === undefined ? options.listen : null,
    runDir: layout.runDir,
    helper: hasHelper ? helper(options, passed) : null,
    sandboxd: sandboxd(options, layout),
    server: server(options, layout, passed, program),
    again: [process.execPath, ...process.execArgv, ...process.argv.slice(1)],
    doctor: `${PROGRAM} doctor`,
  };
}

/** Root's alone: another user's program does not come this far. */
function ownCompileCache(options: ServeOptions): Readonly<Record<string, string>> {
  const cache = privateCache(homeCachePath(options.thawHome, 0));
  return cache === null ? {} : { NODE_COMPILE_CACHE: cache };
}

function helper(options: ServeOptions, passed: Passed): LaunchedProgram {
  const program = join(import.meta.dirname, "helper.ts");
  const node = [process.execPath, ...NODE_FLAGS, program];
  return {
    command: ["setpriv", "--pdeathsig", "TERM", ...node, ...passed.argv],
    variables: defined({ ...passed.env, ...ownCompileCache(options) }),
  };
}

function sandboxd(options: ServeOptions, layout: Layout): readonly string[] {
  const args = ["setpriv", "--pdeathsig", "TERM", layout.sandboxd, "serve"];
  args.push("--run", layout.runDir, "--data", options.dataDir, "--runtimes", join(options.thawHome, "runtimes"));
  args.push("--clients", layout.clients, "--supervisor", layout.supervisor, "--server-uid", String(options.serverUid));
  args.push("--pool", String(options.poolSize), "--memory", options.memory, "--cpu-latency", options.cpuLatency);
  args.push("--pager", process.env["THAW_PAGER"] ?? layout.pager, "--pager-memory-mib", String(options.pagerMemoryMib));
  args.push("--prepared-mib", String(options.preparedMemoryMib));
  if (options.engine === "criu") args.push("--criu", layout.criu);
  const mapped = [...options.fileSystems].map(([arn, dir]) => `${accessPointOf(arn)}=${dir}`);
  if (options.networkDenied.length > 0) args.push("--network-deny", options.networkDenied.join(","));
  const granted = grantablePorts(options.hostPorts);
  if (options.hostPorts.forAll.length > 0) args.push("--allow-host", options.hostPorts.forAll.join(","));
  if (granted.length > 0) args.push("--grant-host", granted.join(","));
  if (mapped.length > 0) args.push("--file-systems", mapped.join("\n"));
  return args;
}

/**
 * Can another user walk down to this path? A clone below /root or in a private temporary directory can't be read by the
 * server's user.
 */
function isReachable(path: string): boolean {
  for (let at = path; at !== "/"; at = dirname(at)) {
    if ((statSync(at).mode & 0o005) !== 0o005) return false;
  }
  return true;
}

function server(options: ServeOptions, layout: Layout, passed: Passed, path: string): LaunchedProgram {
  const identity = ["--reuid", options.serverUid, "--regid", options.serverUid, "--clear-groups", "--no-new-privs"];
  const setpriv = ["setpriv", ...identity.map(String), "--inh-caps=-all", "--bounding-set=-all", "--pdeathsig", "TERM"];
  const shown = showTo(options, layout);
  const program = join(shown.repository, relative(ROOT, path));
  const node = process.execPath.startsWith(`${ROOT}/`)
    ? join(shown.repository, process.execPath.slice(ROOT.length + 1))
    : process.execPath;
  const args = [...withoutOption(withoutOption(passed.argv, "data"), PASSWORD_FILE), "--data", shown.dataDir];
  return {
    command: [...shown.prefix, ...setpriv, node, ...NODE_FLAGS, "--expose-gc", program, ...args],
    variables: defined({
      ...passed.env,
      HOME: "/nonexistent",
      [LISTEN_FD]: "0",
      THAW_SANDBOXD: join(layout.runDir, "sandboxd.sock"),
      THAW_CLIENTS: layout.clients,
      ...(options.companion === null ? {} : { THAW_COMPANION_STARTED: "1" }),
      ...databasePassword(options),
      ...compileCache(options, shown),
    }),
  };
}

function defined(env: NodeJS.ProcessEnv): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

/** The password of the database as a variable: the server's user may not be able to read its file. */
function databasePassword({ database, databasePasswordFile }: ServeOptions): NodeJS.ProcessEnv {
  if (databasePasswordFile === null) return {};
  return { THAW_DATABASE_PASSWORD: database?.password ?? undefined, THAW_DATABASE_PASSWORD_FILE: undefined };
}

/**
 * Names the directory of compiled modules. Without it each start strips the types of all modules and compiles them: 250
 * ms, and 30 MB that the process keeps. The server's user owns it, and nobody else reads it. Entries go by path: none
 * where the program is mounted under another name at each start.
 */
function compileCache(options: ServeOptions, shown: Shown): NodeJS.ProcessEnv {
  // Not the launcher's either.
  if (shown.repository !== ROOT) return { NODE_COMPILE_CACHE: undefined };
  const directory = homeCachePath(options.thawHome, options.serverUid);
  makePrivateDirectory(directory);
  chownSync(directory, options.serverUid, options.serverUid);
  return { NODE_COMPILE_CACHE: directory };
}

interface Shown {
  readonly prefix: readonly string[];
  readonly repository: string;
  readonly dataDir: string;
}

/**
 * Decides where the server's user finds the program and its data: as they are, or mounted beside its socket in a mount
 * namespace of its own.
 */
function showTo(options: ServeOptions, layout: Layout): Shown {
  const hidden = [ROOT, options.dataDir, layout.clients].filter((path) => !isReachable(dirname(path)));
  if (hidden.length === 0) return { prefix: [], repository: ROOT, dataDir: options.dataDir };
  const app = join(layout.runDir, "app");
  const data = join(layout.runDir, "data");
  for (const dir of [app, data]) mkdirSync(dir, { mode: 0o755 });
  const script = 'mount --bind "$1" "$2" && mount --bind "$3" "$4" && shift 4 && exec "$@"';
  const prefix = [
    "unshare",
    "--mount",
    "--propagation",
    "private",
    "sh",
    "-c",
    script,
    "sh",
    ROOT,
    app,
    options.dataDir,
    data,
  ];
  return { prefix, repository: app, dataDir: data };
}
