/**
 * The test's side of fault points (docs/design/0014-fault-points.md): files in a directory that all processes of Thaw
 * reach.
 *
 *   NAME.armed    error, delay or kill        NAME.go    a FIFO: a delay ends when it is opened
 *   NAME.reached  taken by who came by        trace      what was passed, a line each
 */
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  watch,
  writeFileSync,
} from "node:fs";
import { open } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const FAULTS = ["error", "delay", "kill"] as const;
export type Fault = (typeof FAULTS)[number];

/** For a point that nobody comes by. */
const REACH_TIMEOUT_MS = 90_000;
const POLL_MS = 5;

export class FaultControl {
  readonly dir = mkdtempSync(join(tmpdir(), "thaw-faults-"));

  constructor() {
    // Several users reach it: the server's, the pager's and root.
    chmodSync(this.dir, 0o777);
    writeFileSync(join(this.dir, "trace"), "");
    chmodSync(join(this.dir, "trace"), 0o666);
  }

  /** Only one point is armed at a time. */
  arm(point: string, fault: Fault): void {
    for (const name of readdirSync(this.dir)) if (name !== "trace") rmSync(join(this.dir, name));
    if (fault === "delay") {
      execFileSync("mkfifo", ["-m", "666", join(this.dir, `${point}.go`)]);
    }
    const draft = join(this.dir, "draft");
    writeFileSync(draft, fault);
    chmodSync(draft, 0o666);
    renameSync(draft, join(this.dir, `${point}.armed`));
  }

  hasReached(point: string): boolean {
    return existsSync(join(this.dir, `${point}.reached`));
  }

  /** Rejects where nobody comes by in time. */
  async reached(point: string): Promise<void> {
    const watcher = watch(this.dir);
    try {
      await new Promise<void>((resolve, reject) => {
        const timer = globalThis.setTimeout(
          () => reject(new Error(`the point ${point} was not reached`)),
          REACH_TIMEOUT_MS,
        );
        const look = (): void => {
          if (!this.hasReached(point)) return;
          clearTimeout(timer);
          resolve();
        };
        watcher.on("change", look);
        look();
      });
    } finally {
      watcher.close();
    }
  }

  /** Lets a delayed process go on. */
  async release(point: string): Promise<void> {
    await (await open(join(this.dir, `${point}.go`), "w")).close();
  }

  /** Lets a delayed process go on as soon as it waits, or gives up when `over` is settled: the process may be dead. */
  async letGo(point: string, over: Promise<unknown>): Promise<void> {
    let isOver = false;
    const end = (): void => {
      isOver = true;
    };
    over.then(end, end);
    // sleeps: between two looks
    while (!isOver && !this.#releaseNow(point)) await setTimeout(POLL_MS);
  }

  #releaseNow(point: string): boolean {
    try {
      closeSync(openSync(join(this.dir, `${point}.go`), constants.O_WRONLY | constants.O_NONBLOCK));
      return true;
    } catch (error) {
      // Nobody reads.
      if ((error as NodeJS.ErrnoException).code === "ENXIO") return false;
      throw error;
    }
  }

  clearTrace(): void {
    truncateSync(join(this.dir, "trace"));
  }

  /** The points that were passed since, each once, in the order of the first time. */
  trace(): readonly string[] {
    return [...new Set(readFileSync(join(this.dir, "trace"), "utf8").split("\n"))].filter((name) => name !== "");
  }

  remove(): void {
    rmSync(this.dir, { recursive: true });
  }
}
