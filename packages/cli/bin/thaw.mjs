#!/usr/bin/env node
// Finds Node.js 24 (the programs are TypeScript, run as they are), then the command.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import module from "node:module";
import { relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const MAJOR = 24;
const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const SIGNALS = ["SIGTERM", "SIGINT", "SIGHUP"];
const PARENT = "THAW_PARENT_PID";
const PARENT_CHECK_MS = 500;

/**
 * Ends with npm. `npx thaw serve &` gives the shell the pid of npm; npm passes a signal on to the shell that it starts
 * the command in, and that shell ends without a word to the command. So the command looks for its parent. The variable
 * keeps the parent's pid when the program becomes another one.
 */
function endWithNpm(stop) {
  if (process.env.npm_command === undefined) return;
  process.env[PARENT] ??= String(process.ppid);
  setInterval(() => {
    if (process.ppid !== Number(process.env[PARENT])) stop();
  }, PARENT_CHECK_MS).unref();
}

/** Takes paths from where the person stands, also where npm has gone to this checkout (`npm --prefix`). */
function standWhereCalled() {
  const called = process.env.INIT_CWD;
  if (process.env.npm_command === undefined || called === undefined) return;
  if (isInside(process.cwd()) && !isInside(called) && existsSync(called)) process.chdir(called);
}

function isInside(path) {
  return !relative(ROOT, resolve(path)).startsWith("..");
}

/** Runs this program with the checkout's own Node.js, hands signals on, and ends as it does. */
function runWithOwnNode() {
  const local = fileURLToPath(new URL("../../../node_modules/node/bin/node", import.meta.url));
  if (!existsSync(local)) {
    process.stderr.write(`thaw: Node.js ${MAJOR} or newer is needed. Run: npm run setup\n`);
    process.exit(1);
  }
  const stop = () => child.kill("SIGTERM");
  endWithNpm(stop);
  const { [PARENT]: _, ...env } = process.env;
  const child = spawn(local, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: "inherit", env });
  for (const signal of SIGNALS) process.on(signal, () => child.kill(signal));
  child.on("exit", (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

/** Takes compiled modules from an earlier start, and leaves them for the next one. */
async function useCompileCache() {
  const { commandCachePath, privateCache } = await import("@thaw/installation/compile-cache");
  const uid = process.geteuid?.();
  const path = uid === undefined ? null : commandCachePath(process.env, uid);
  const cache = path === null ? null : privateCache(path);
  if (cache !== null) module.enableCompileCache(cache);
}

/** Finds the bundle of a program; null where its sources are newer. */
async function find(program) {
  const { bundled } = await import("@thaw/installation/bundled");
  return bundled(ROOT, program);
}

async function load(program, loadSources) {
  const bundle = await find(program);
  return bundle === null ? loadSources() : import(bundle);
}

/** Hands the bundle on, which the launcher starts the server from: to look at all sources again takes it 10 ms. */
async function serve(argv) {
  const bundle = await find("serve");
  const { main } = await (bundle === null ? import("@thaw/server/serve") : import(bundle));
  await main(argv, bundle);
}

async function run() {
  process.removeAllListeners("warning");
  await useCompileCache();
  endWithNpm(() => process.kill(process.pid, "SIGTERM"));
  standWhereCalled();
  const [command, ...rest] = process.argv.slice(2);
  const isHelp = rest.includes("--help") || rest.includes("-h");
  // The server and what works on its files are programs of their own; everything else only talks to it.
  if (command === "help" && rest[0] === "serve") await serve(["--help"]);
  else if (command === "serve") await serve(rest);
  else if ((command === "backup" || command === "restore") && !isHelp) {
    const backup = await load("backup", () => import("@thaw/server/backup"));
    await backup.main(command, rest);
  } else {
    const isOfAll = command === "completion" || command === "man-page";
    const usages = isOfAll ? [(await import("@thaw/server/usage")).SERVE_USAGE] : [];
    const { main } = await load("command", () => import("../src/main.ts"));
    await main(process.argv, ...usages);
  }
}

if (Number(process.versions.node.split(".")[0]) < MAJOR) runWithOwnNode();
else await run();
