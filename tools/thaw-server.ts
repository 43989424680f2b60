/**
 * A real `thaw serve` as a child process, on a free port, with a data directory of its own: for the demo, the tests and
 * the bench.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout } from "node:timers/promises";
import { bundled } from "@thaw/installation/bundled";
import { childrenOf, isRunning } from "./processes.ts";

export const REPOSITORY = resolve(import.meta.dirname, "..");
/** For one that hangs: on a machine with other tests a start takes seconds, and on a slow disk many. */
const START_TIMEOUT_MS = 120_000;
/** For what a kill leaves hanging. */
const GONE_TIMEOUT_MS = 60_000;
const POLL_MS = 5;

export interface ThawServer {
  readonly endpoint: string;
  readonly dataDir: string;
  readonly pid: number;
  /** For AWS clients and for the CLI. */
  readonly env: Readonly<Record<string, string>>;
  /** What the server wrote so far. */
  output(): string;
  stop(): Promise<void>;
  /** SIGKILL to the launcher, the server or sandboxd; resolves when all of it has gone. */
  kill(who: "launcher" | "server" | "sandboxd"): Promise<void>;
  /** Stops it and removes the data directory. */
  remove(): Promise<void>;
}

export interface ThawServerOptions {
  /** Another checkout, whose server and programs it is. */
  readonly repository?: string;
  readonly args?: readonly string[];
  /** Variables besides this process's own; undefined takes one away, as the credentials that it is started with. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** The name server that its sandboxes ask, instead of the host's. */
  readonly nameServer?: string;
  /** Of an earlier server, to start on its data again. */
  readonly previous?: Pick<ThawServer, "dataDir" | "env">;
}

export async function startThaw(options: ThawServerOptions = {}): Promise<ThawServer> {
  if (process.geteuid?.() !== 0)
    throw new Error(
      "Sandboxes are made by sandboxd, which needs root: run this as root (the server itself gives its rights up).",
    );
  const dataDir = options.previous?.dataDir ?? mkdtempSync(join(tmpdir(), "thaw-data-"));
  const keys = options.previous?.env ?? {
    AWS_ACCESS_KEY_ID: `AKIA${randomBytes(8).toString("hex").toUpperCase()}`,
    AWS_SECRET_ACCESS_KEY: randomBytes(20).toString("hex"),
  };
  const credentials = {
    THAW_ACCESS_KEY_ID: keys["AWS_ACCESS_KEY_ID"] ?? "",
    THAW_SECRET_ACCESS_KEY: keys["AWS_SECRET_ACCESS_KEY"] ?? "",
  };
  const args = [
    "--disable-warning=ExperimentalWarning",
    programOf(options),
    "--listen",
    "127.0.0.1:0",
    "--data",
    dataDir,
    ...(options.args ?? []),
  ];
  const [command = "", ...words] = [...withNameServer(options.nameServer), process.execPath, ...args];
  const child = spawn(command, words, {
    stdio: ["ignore", "pipe", "pipe"],
    // Nobody here is to wait for a state that is only shown.
    env: { ...process.env, THAW_STATE_CHANGE_MS: "0", ...credentials, ...options.env },
  });
  const output: string[] = [];
  child.stdout?.on("data", (bytes: Buffer) => output.push(bytes.toString()));
  child.stderr?.on("data", (bytes: Buffer) => output.push(bytes.toString()));
  const endpoint = await untilListening(child, output).catch(async (error: unknown) => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill("SIGTERM");
      await once(child, "exit");
    }
    if (options.previous === undefined) rmSync(dataDir, { recursive: true, force: true });
    throw error;
  });
  const env = {
    THAW_ENDPOINT: endpoint,
    AWS_ENDPOINT_URL_LAMBDA: endpoint,
    AWS_ACCESS_KEY_ID: credentials.THAW_ACCESS_KEY_ID,
    AWS_SECRET_ACCESS_KEY: credentials.THAW_SECRET_ACCESS_KEY,
    ...credentials,
    AWS_REGION: "us-east-1",
    AWS_DEFAULT_REGION: "us-east-1",
  };
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGTERM");
    await once(child, "exit");
  };
  return {
    endpoint,
    dataDir,
    pid: child.pid ?? 0,
    env,
    output: () => output.join(""),
    stop,
    kill: (who) => killPart(child, who),
    async remove() {
      await stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** As a start of its own would choose it. */
function programOf({ repository = REPOSITORY, env }: ThawServerOptions): string {
  const bundle = bundled(repository, "serve", { ...process.env, ...env });
  return bundle ?? join(repository, "packages/server/src/main/serve.ts");
}

/** In a mount namespace where /etc/resolv.conf is another one. */
function withNameServer(address: string | undefined): readonly string[] {
  if (address === undefined) return [];
  const script = `mount -t tmpfs thaw-names /mnt && echo "nameserver $0" > /mnt/resolv.conf && mount --bind /mnt/resolv.conf /etc/resolv.conf && exec "$@"`;
  return ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, address];
}

function untilListening(child: ChildProcess, output: readonly string[]): Promise<string> {
  return new Promise((resolvePromise, reject) => {
    const fail = (why: string): void => reject(new Error(`thaw serve ${why}:\n${output.join("")}`));
    const timer = globalThis.setTimeout(() => fail("did not start in time"), START_TIMEOUT_MS);
    child.once("exit", (code) => fail(`ended with ${code}`));
    child.stdout?.on("data", () => {
      const found = /thaw listening on (\S+)\s/.exec(output.join(""))?.[1];
      if (found === undefined) return;
      clearTimeout(timer);
      child.removeAllListeners("exit");
      resolvePromise(found);
    });
  });
}

/** How the command line of each begins, or what is in it; sandboxd's names the pager, too. */
const PARTS = { server: /serve\.(?:ts|mjs)\b/, sandboxd: /thaw-sandboxd serve/, pager: /^\S*thaw-pager/ } as const;
export type Part = keyof typeof PARTS;

/**
 * `launcher`: the pid of a ThawServer. Undefined where it does not run: a pager that was killed comes back with the
 * next restore.
 */
export function pidOf(launcher: number, part: Part): number | undefined {
  return childrenOf(launcher).find(({ command }) => PARTS[part].test(command))?.pid;
}

async function killPart(child: ChildProcess, who: "launcher" | "server" | "sandboxd"): Promise<void> {
  const exited = once(child, "exit");
  const parts = childrenOf(child.pid ?? 0);
  const wanted = who === "launcher" ? child.pid : pidOf(child.pid ?? 0, who);
  if (wanted === undefined) throw new Error(`there is no ${who} process: ${JSON.stringify(parts)}`);
  process.kill(wanted, "SIGKILL");
  await exited;
  const deadline = performance.now() + GONE_TIMEOUT_MS;
  // The kernel tells nobody when a grandchild has gone; its pid is the level to watch.
  while (parts.some((part) => isRunning(part.pid))) {
    if (performance.now() > deadline)
      throw new Error(
        `still there after the ${who} was killed: ${JSON.stringify(parts.filter((part) => isRunning(part.pid)))}`,
      );
    await setTimeout(POLL_MS);
  }
}
