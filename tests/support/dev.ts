/** `thaw dev` as a user runs it, in a folder of a test. */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import type { ThawServer } from "../../tools/thaw-server.ts";
import { CLI } from "./cli.ts";
import { inTime } from "./in-time.ts";

/** Below the limit of a test, and above what a build takes that it waits for. */
const HEARD_MS_MAX = 200_000;

export interface DevPlace {
  /** Where it runs. It has a folder `tmp`. */
  readonly folder: string;
  readonly server: ThawServer;
}

/** The process, with what it has said so far. */
export class Dev {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #waiting = new Set<() => void>();
  said = "";

  /** `terminal`: one that Python makes. */
  constructor({ folder, server }: DevPlace, args: readonly string[] = [], { terminal = false, env = {} } = {}) {
    const program = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";
    const [command = "", ...before] = terminal ? ["python3", "-c", program, process.execPath] : [process.execPath];
    this.#child = spawn(command, [...before, CLI, "dev", ...args], {
      cwd: folder,
      env: { ...process.env, ...server.env, ...env, TMPDIR: join(folder, "tmp") },
      stdio: ["pipe", "pipe", "pipe"],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => {
        this.said += text;
        for (const look of this.#waiting) look();
      });
    this.#child.once("close", () => {
      for (const look of this.#waiting) look();
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Waits until it has said that, behind `from`. */
  async heard(pattern: RegExp, from = 0): Promise<string> {
    const found = new Promise<string>((resolve, reject) => {
      const look = (): void => {
        const found = pattern.exec(this.said.slice(from))?.[0];
        if (found === undefined && this.#child.exitCode === null && this.#child.signalCode === null) return;
        this.#waiting.delete(look);
        if (found === undefined) reject(new Error(`it ended without ${String(pattern)}:\n${this.said}`));
        else resolve(found);
      };
      this.#waiting.add(look);
      look();
    });
    return inTime(`thaw dev says ${String(pattern)}`, found, () => this.said, HEARD_MS_MAX);
  }

  /** Reads no more, as `| head` does. */
  leave(): void {
    this.#child.stdout.destroy();
    this.#child.stderr.destroy();
  }

  type(keys: string): void {
    this.#child.stdin.write(keys);
  }

  /** Its exit status. */
  async end(signal: NodeJS.Signals | null = "SIGINT"): Promise<number | null> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return this.#child.exitCode;
    const closed = once(this.#child, "close");
    if (signal !== null) this.#child.kill(signal);
    await closed;
    return this.#child.exitCode;
  }
}

export type DevArguments = ConstructorParameters<typeof Dev> extends [DevPlace, ...infer Rest] ? Rest : never;

/** Runs it around the work, whose error tells what it said. */
export async function withDevIn(
  place: DevPlace,
  work: (dev: Dev) => Promise<void>,
  ...given: DevArguments
): Promise<void> {
  const dev = new Dev(place, ...given);
  try {
    await work(dev);
  } catch (error) {
    throw new Error(`${(error as Error).message}\nthaw dev said:\n${dev.said}`, { cause: error });
  } finally {
    await dev.end();
  }
}
