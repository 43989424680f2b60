/**
 * One host with fault points and a far store: a server that is killed and started again on its data, and what must be
 * true of them after each fault.
 */
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, linkSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import type { VersionRecord } from "@thaw/server/testing/model";
import { childrenOf, isRunning, type Process } from "../../tools/processes.ts";
import { thawHomeOf } from "@thaw/installation";
import { startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { ACCESS_POINT } from "../support/access-point.ts";
import { TestFunctions } from "../support/functions.ts";
import { faultyServer } from "./fault-build.ts";
import { FaultControl } from "./fault-control.ts";
import { Storage } from "./storage.ts";

/** For what hangs, below the limit of a test. */
const GONE_TIMEOUT_MS = 90_000;
const UNTIL_TIMEOUT_MS = 90_000;
/** Below the server's own limit for what it waits for when it stops, 30 s. */
const STOP_MS_MAX = 25_000;
/** Between two looks: the machine has something else to do. */
const POLL_MS = 5;
const CREDENTIALS = { AWS_ACCESS_KEY_ID: "AKIAFAULTS", AWS_SECRET_ACCESS_KEY: "faults" };
const NODE = "nodejs24";

export class FaultHost {
  readonly control = new FaultControl();
  readonly #dir = mkdtempSync(join(tmpdir(), "thaw-fault-host-"));
  #server: ThawServer | null = null;
  #functions: TestFunctions | null = null;
  #starting: Promise<void> | null = null;
  #parts: readonly Process[] = [];
  #release = 0;

  constructor() {
    chmodSync(this.#dir, 0o755);
    mkdirSync(join(this.#dir, "home/runtimes"), { recursive: true });
    // Two releases of Node.js; which of them is the newer one is a matter of names.
    for (const name of [NODE, `${NODE}.r1`])
      mkdirSync(join(this.#dir, "home/runtimes", name, "bin"), { recursive: true });
    execFileSync("cp", [
      join(thawHomeOf(process.env), "runtimes", NODE, "bin/node"),
      join(this.#runtime(0), "bin/node"),
    ]);
    linkSync(join(this.#runtime(0), "bin/node"), join(this.#runtime(1), "bin/node"));
    this.#release = 1;
  }

  get functions(): TestFunctions {
    if (this.#functions === null) throw new Error("the server does not run");
    return this.#functions;
  }

  /** Also while it is on its way. */
  get isStarted(): boolean {
    return this.#starting !== null;
  }

  /** Resolves when a start that is under way has ended. */
  async started(): Promise<void> {
    await this.#starting;
  }

  get dataDir(): string {
    return join(this.#dir, "data");
  }

  get farDir(): string {
    return join(this.#dir, "far");
  }

  start(): Promise<void> {
    this.#starting = this.#start();
    return this.#starting;
  }

  /** Until it gives a value. Rejects as soon as the server has ended. */
  async until<T>(
    what: string,
    look: () => T | null | undefined | false | Promise<T | null | undefined | false>,
    limitMs = UNTIL_TIMEOUT_MS,
  ): Promise<T> {
    const deadline = Date.now() + limitMs;
    for (;;) {
      const found = await look();
      if (found !== null && found !== undefined && found !== false) return found;
      if (this.#server === null || !isRunning(this.#server.pid))
        throw new Error(`the server has ended before: ${what}`);
      if (Date.now() > deadline) throw new Error(`never: ${what}\n${this.output().slice(-3000)}`);
      // sleeps: between two looks
      await setTimeout(POLL_MS);
    }
  }

  async #start(): Promise<void> {
    const env = {
      ...faultyServer(this.control),
      THAW_HOME: join(this.#dir, "home"),
      THAW_CHUNK_GRACE_S: "0",
      THAW_DATA_KEY_CACHE_S: "0",
    };
    mkdirSync(this.dataDir, { recursive: true });
    mkdirSync(this.#eventsDir, { recursive: true });
    chmodSync(this.#eventsDir, 0o1777);
    const args = [
      "--file-system",
      `${ACCESS_POINT}=${this.#eventsDir}`,
      "--snapshot-store",
      `file://${this.farDir}`,
      "--pool",
      "1",
    ];
    this.#server = await startThaw({ args, env, previous: { dataDir: this.dataDir, env: CREDENTIALS } });
    this.#functions = new TestFunctions(this.#server);
  }

  async stop(): Promise<void> {
    // What is on its way up is brought down when it is there.
    await this.#starting?.catch(() => undefined);
    const startMs = performance.now();
    await this.#server?.stop();
    const durationMs = performance.now() - startMs;
    const said = this.output().slice(-3000);
    this.#forget();
    // Nothing runs that it had to wait for.
    if (durationMs > STOP_MS_MAX) throw new Error(`the server took ${Math.round(durationMs)} ms to stop\n${said}`);
  }

  #forget(): void {
    this.#server = null;
    this.#functions = null;
    this.#starting = null;
  }

  /** What runs now is what must be gone after a kill. */
  note(): void {
    this.#parts = this.#server === null ? [] : childrenOf(this.#server.pid);
  }

  /** After a fault point has killed the server or sandboxd: when all of it has ended. */
  async gone(): Promise<void> {
    const pid = this.#server?.pid;
    const parts = [...this.#parts.map((part) => part.pid), ...(pid === undefined ? [] : [pid])];
    const deadline = Date.now() + GONE_TIMEOUT_MS;
    while (parts.some(isRunning)) {
      if (Date.now() > deadline)
        throw new Error(
          `still there after the kill: ${JSON.stringify(this.#parts.filter((part) => isRunning(part.pid)))}`,
        );
      // sleeps: between two looks
      await setTimeout(POLL_MS);
    }
    this.#forget();
  }

  output(): string {
    return this.#server?.output() ?? "";
  }

  /**
   * The release of Node.js that was the older one is the newest now: snapshots of the other are stale. Only while the
   * server is stopped.
   */
  updateRuntime(): void {
    const [older, next] = [Math.max(0, this.#release - 1), this.#release + 1];
    renameSync(this.#runtime(older), this.#runtime(next));
    this.#release = next;
  }

  rows(): readonly VersionRecord[] {
    return this.#query("SELECT doc FROM versions ORDER BY function_name, number").map(
      ({ doc }) => JSON.parse(doc as string) as VersionRecord,
    );
  }

  row(functionName: string, version: string): VersionRecord | null {
    return this.rows().find((row) => row.functionName === functionName && row.version === version) ?? null;
  }

  countEvents(): number {
    return this.#query("SELECT count(*) AS n FROM events")[0]?.["n"] as number;
  }

  /** The events that the function of events has written down. */
  carriedOut(): readonly number[] {
    const path = join(this.#eventsDir, "carried-out");
    return existsSync(path) ? readFileSync(path, "utf8").trim().split("\n").map(Number) : [];
  }

  /** Only while the server is stopped. */
  execute(sql: string): void {
    const db = new DatabaseSync(join(this.dataDir, "thaw.db"));
    try {
      db.exec(`PRAGMA foreign_keys = ON; ${sql}`);
    } finally {
      db.close();
    }
  }

  get storage(): Storage {
    return new Storage(this.dataDir, this.farDir, this.rows());
  }

  remove(): void {
    this.control.remove();
    rmSync(this.#dir, { recursive: true, force: true });
  }

  get #eventsDir(): string {
    return join(this.#dir, "events");
  }

  #runtime(release: number): string {
    return join(this.#dir, "home/runtimes", release === 0 ? NODE : `${NODE}.r${release}`);
  }

  #query(sql: string): Array<Record<string, unknown>> {
    const db = new DatabaseSync(join(this.dataDir, "thaw.db"), { readOnly: true });
    try {
      return db.prepare(sql).all();
    } finally {
      db.close();
    }
  }
}
