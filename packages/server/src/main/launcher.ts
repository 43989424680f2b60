/**
 * The privileged start: a directory for sockets, sandboxd as root, the server as nobody in particular.
 *
 * ```text
 *  thaw serve (root) ──► thaw-sandboxd (root)
 *                    ├─► node serve.ts (uid 64321, no new privileges)
 *                    └─► moto (uid 64323, --companion alone)
 * ```
 * All end when this process ends, however it ends (`setpriv --pdeathsig`); this process ends when sandboxd or the
 * server does.
 *
 * The listening socket is this process's standard input, put there by `thaw-sandboxd bind`. SIGHUP renews everything,
 * this program included: the server finishes what it has, and this process runs itself again, with the same socket, in
 * which new connections wait.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { flushCompileCache } from "node:module";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import type { Duplex } from "node:stream";
import { type Parts, PROGRAM, partsOf, ROOT, SETUP } from "@thaw/installation";
import { privateCache } from "@thaw/installation/compile-cache";
import { systemClock } from "../base/clock.ts";
import { accessPointOf } from "../model/access-point.ts";
import type { CompanionProcess } from "./companion.ts";
import { makeDataDirectory, makePrivateDirectory } from "./data-directory.ts";
import { checkHostUsers, companionUid } from "./host-users.ts";
import { grantablePorts } from "./options/host-ports.ts";
import type { ServeOptions } from "./options/serve-options.ts";
import { type Settings, withoutOption } from "./options/settings.ts";
import { UsageError } from "./options/usage-error.ts";
import { INSTALLER_FD, RuntimeInstalls } from "./runtime-installs.ts";

const LISTEN_FD = "THAW_LISTEN_FD";
const PASSWORD_FILE = "database-password-file";
/** sandboxd probes the kernel for CRIU when it starts. */
const SANDBOXD_START_TIMEOUT_MS = 20_000;

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
    if (/^\d+$/.test(name) && !isRunning(name)) rmSync(join(parent, name), { recursive: true, force: true });
  }
}

/** Says whether a process runs. One that has ended and was not waited for is there, but has no command line. */
function isRunning(pid: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8") !== "";
  } catch {
    return false;
  }
}

/**
 * The settings as the server process gets them: without a configuration file, which its user may not be able to read.
 */
type Passed = Pick<Settings, "argv" | "env">;

/** Runs sandboxd and the server until one of them ends. Throws a UsageError when they can't be started. */
export async function launch(options: ServeOptions, passed: Passed): Promise<void> {
  // Directories and sockets made here and by sandboxd have modes of their own, whatever the service's mask is.
  process.umask(0o022);
  // Inherited by all that is started here: no core dump holds memory, wherever the host sends dumps.
  writeFileSync("/proc/self/coredump_filter", "0");
  const layout = findLayout();
  checkHostUsers(options.serverUid, options.companion !== null);
  if (process.env[LISTEN_FD] === undefined) bindSocket(options, layout);
  prepareDirectories(options, layout);
  let isRenewal = false;
  let installs: RuntimeInstalls | null = null;
  let companion: CompanionProcess | null = null;
  try {
    companion = await companionFor(options);
    const sandboxd = await startSandboxd(options, layout);
    const server = startServer(options, layout, passed);
    installs = installsFor(server, options);
    // The next start finds them, however this one ends.
    flushCompileCache();
    isRenewal = await superviseUntilEnd(sandboxd, server);
    if (sandboxd.exitCode !== 0) sweep(layout);
  } finally {
    await installs?.close();
    await companion?.close();
    rmSync(layout.runDir, { recursive: true, force: true });
  }
  if (isRenewal) runAgain(process.execPath, [], process.env);
}

/** Runs this program again with a listening socket as standard input. */
function bindSocket(options: ServeOptions, layout: Layout): void {
  // Root's alone: another user's program does not come this far.
  const cache = privateCache(join(options.thawHome, "compile-cache", "0"));
  runAgain(layout.sandboxd, ["bind", options.listen.host, String(options.listen.port), process.execPath], {
    ...process.env,
    ...(cache === null ? {} : { NODE_COMPILE_CACHE: cache }),
    [LISTEN_FD]: "0",
  });
}

/** Becomes another program, whose last arguments are this one's own. Standard input stays open. */
function runAgain(program: string, args: readonly string[], env: NodeJS.ProcessEnv): void {
  process.removeAllListeners("warning");
  process.execve?.(program, [program, ...args, ...process.execArgv, ...process.argv.slice(1)], env);
}

async function startSandboxd(options: ServeOptions, layout: Layout): Promise<ChildProcess> {
  const args = ["--pdeathsig", "TERM", layout.sandboxd, "serve"];
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
  // A group of its own: Ctrl-C is for us, and sandboxd ends last, when what is running has been answered.
  const child = spawn("setpriv", args, { stdio: ["ignore", "pipe", "inherit"], detached: true });
  const ready = new Promise<boolean>((done) => {
    const cancel = systemClock.after(SANDBOXD_START_TIMEOUT_MS, () => done(false));
    const finish = (ok: boolean): void => {
      cancel();
      done(ok);
    };
    if (child.stdout)
      createInterface({ input: child.stdout }).once("line", (line) => finish(line === "sandboxd ready"));
    child.once("exit", () => finish(false));
    child.once("error", () => finish(false));
  });
  if (await ready) return child;
  const exited = child.exitCode === null && child.signalCode === null ? once(child, "exit") : null;
  child.kill("SIGKILL");
  // One that could not be started at all has no exit.
  if (child.pid !== undefined) await exited;
  sweep(layout);
  throw new UsageError(`sandboxd did not start; its message is above. Run: ${PROGRAM} doctor`);
}

/** Removes what a sandboxd that did not end as it should has left: frozen processes, control groups, networks. */
function sweep(layout: Layout): void {
  spawnSync(layout.sandboxd, ["sweep"], { stdio: "inherit" });
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

function startServer(options: ServeOptions, layout: Layout, passed: Passed): ChildProcess {
  const identity = ["--reuid", options.serverUid, "--regid", options.serverUid, "--clear-groups", "--no-new-privs"];
  const setpriv = ["setpriv", ...identity.map(String), "--inh-caps=-all", "--bounding-set=-all", "--pdeathsig", "TERM"];
  const shown = showTo(options, layout);
  const program = join(shown.repository, "packages/server/src/main/serve.ts");
  const node = process.execPath.startsWith(`${ROOT}/`)
    ? join(shown.repository, process.execPath.slice(ROOT.length + 1))
    : process.execPath;
  const args = [...withoutOption(withoutOption(passed.argv, "data"), PASSWORD_FILE), "--data", shown.dataDir];
  const flags = ["--disable-warning=ExperimentalWarning", "--expose-gc"];
  const command = [...shown.prefix, ...setpriv, node, ...flags, program, ...args];
  return spawn(command[0] as string, command.slice(1), {
    stdio: ["inherit", "inherit", "inherit", ...(options.installRuntimes === "on-use" ? ["pipe" as const] : [])],
    detached: true,
    cwd: "/",
    env: {
      ...passed.env,
      HOME: "/nonexistent",
      THAW_SANDBOXD: join(layout.runDir, "sandboxd.sock"),
      THAW_CLIENTS: layout.clients,
      ...(options.installRuntimes === "on-use" ? { [INSTALLER_FD]: "3" } : {}),
      ...(options.companion === null ? {} : { THAW_COMPANION_STARTED: "1" }),
      ...databasePassword(options),
      ...compileCache(options, shown),
    },
  });
}

/** The password of the database as a variable: the server's user may not be able to read its file. */
function databasePassword({ database, databasePasswordFile }: ServeOptions): NodeJS.ProcessEnv {
  if (databasePasswordFile === null) return {};
  return { THAW_DATABASE_PASSWORD: database?.password ?? undefined, THAW_DATABASE_PASSWORD_FILE: undefined };
}

/** Null where nothing is to be installed. The server has the other end of its fourth descriptor. */
function installsFor(server: ChildProcess, { installRuntimes }: ServeOptions): RuntimeInstalls | null {
  if (installRuntimes === "never") return null;
  return new RuntimeInstalls(server.stdio[3] as Duplex, {
    script: join(ROOT, "tools/install-runtime.sh"),
    clock: systemClock,
    onNote: (line) => process.stderr.write(`thaw: ${line}\n`),
  });
}

/** Null where none is asked for. Throws a UsageError where it can't be started. */
async function companionFor(options: ServeOptions): Promise<CompanionProcess | null> {
  const { companion, accountId, thawHome, serverUid } = options;
  if (companion === null) return null;
  const { startCompanion } = await import("./companion.ts");
  return startCompanion({
    companion,
    accountId,
    thawHome,
    uid: companionUid(serverUid),
    clock: systemClock,
    onNote: (line) => process.stderr.write(`thaw: ${line}\n`),
  });
}

/**
 * Names the directory of compiled modules. Without it each start strips the types of all modules and compiles them: 250
 * ms, and 30 MB that the process keeps. The server's user owns it, and nobody else reads it. Entries go by path: none
 * where the program is mounted under another name at each start.
 */
function compileCache(options: ServeOptions, shown: Shown): NodeJS.ProcessEnv {
  // Not the launcher's either.
  if (shown.repository !== ROOT) return { NODE_COMPILE_CACHE: undefined };
  const directory = join(options.thawHome, "compile-cache", String(options.serverUid));
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

/** Waits until one of both ends, and ends the other. Resolves to true where all is to be started again. */
async function superviseUntilEnd(sandboxd: ChildProcess, server: ChildProcess): Promise<boolean> {
  let stops = 0;
  let isRenewal = false;
  const stop = (): void => {
    isRenewal = false;
    server.kill(++stops > 1 ? "SIGKILL" : "SIGTERM");
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  process.on("SIGHUP", () => {
    // From a terminal it says that the terminal is gone.
    if (process.stderr.isTTY) return stop();
    if (stops > 0) return;
    isRenewal = true;
    server.kill("SIGHUP");
  });
  const sandboxdExit = once(sandboxd, "exit");
  const serverExit = once(server, "exit");
  const first = await Promise.race([sandboxdExit.then(() => "sandboxd"), serverExit.then(() => "server")]);
  if (first === "sandboxd") {
    process.stderr.write("thaw: sandboxd ended; the server stops\n");
    stop();
  }
  const [code] = (await serverExit) as [number | null];
  if (sandboxd.exitCode === null && sandboxd.signalCode === null) sandboxd.kill("SIGTERM");
  await sandboxdExit;
  const exitCode = first === "sandboxd" ? 1 : (code ?? (stops > 1 ? 0 : 1));
  process.exitCode = exitCode;
  return isRenewal && exitCode === 0;
}
