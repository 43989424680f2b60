/**
 * sandboxd alone, without a server: for tests that ask for what the product does not do by itself (a snapshot of a
 * clone, a lying pager).
 */
import { partsOf, thawHomeOf } from "@thaw/installation";
import { newEnvironmentId, newSnapshotId, type SnapshotId, systemClock } from "@thaw/server/testing/base";
import type {
  CapturedSnapshot,
  RuntimeCall,
  SandboxExit,
  SandboxHost,
  SandboxSpec,
  SupervisorLink,
} from "@thaw/server/testing/ports";
import { connectSandboxd, SandboxError } from "@thaw/server/testing/sandboxd";
import { connectSupervisor } from "@thaw/server/testing/supervisor";
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { childrenOf } from "../../tools/processes.ts";
import { faultyPrograms } from "../faults/fault-build.ts";
import type { FaultControl } from "../faults/fault-control.ts";

const PARTS = partsOf(process.env);
const ENGINE = "criu";
const FINGERPRINT = "test";
const UID = 100_077;
const API = "127.0.0.1:9001";
/** For what hangs, below the limit of a test: an answer for which much memory is read was seen with half a minute. */
const ANSWER_TIMEOUT_MS = 180_000;

export interface SandboxdOptions {
  /** `stock-lazy` needs a sandboxd of the test build. */
  readonly memory?: "lazy" | "eager" | "stock-lazy";
  /** Directory of sandboxd's program; the installation's where it is left out. */
  readonly binaries?: string;
  /** In place of thaw-pager. */
  readonly pager?: string;
  readonly pagerMemoryMib?: number;
  /** Capabilities that programs of root's in a sandbox lack (`dump:21`); needs a sandboxd of the test build. */
  readonly without?: readonly string[];
  /** Programs with fault points, instead of the released ones; they have to be built before. */
  readonly faults?: FaultControl;
}

export class TestSandboxd {
  readonly dir = mkdtempSync(join(tmpdir(), "thaw-test-"));
  readonly dataKey = randomBytes(32);
  readonly chunkSecret = randomBytes(32);
  #options: SandboxdOptions;
  #child: ChildProcess | null = null;
  #host: SandboxHost | null = null;
  #output: string[] = [];

  private constructor(options: SandboxdOptions) {
    this.#options = options;
    chmodSync(this.dir, 0o755);
    for (const name of ["run", "data", "data/code"]) mkdirSync(join(this.dir, name), { recursive: true, mode: 0o755 });
  }

  static async start(options: SandboxdOptions = {}): Promise<TestSandboxd> {
    const made = new TestSandboxd(options);
    await made.#start();
    return made;
  }

  get host(): SandboxHost {
    if (this.#host === null) throw new Error("sandboxd does not run");
    return this.#host;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  output(): string {
    return this.#output.join("");
  }

  pagerPid(): number | undefined {
    return childrenOf(this.pid).find(({ command }) => command.includes("--memory-mib"))?.pid;
  }

  chunksDir(): string {
    return join(this.dir, "data/chunks");
  }

  snapshotFile(snapshotId: SnapshotId, name: "manifest" | "working-set"): string {
    return join(this.dir, "data/snapshots", snapshotId, name);
  }

  /** Nothing decrypted is left in its memory. */
  async restart(options: SandboxdOptions = this.#options): Promise<void> {
    await this.#stop();
    this.#options = options;
    await this.#start();
  }

  /** All chunks go elsewhere; each comes back when it is asked for. Says how many were. */
  makeCold(): () => number {
    const far = join(this.dir, `far-${randomBytes(4).toString("hex")}`);
    mkdirSync(far);
    for (const group of readdirSync(this.chunksDir())) renameSync(join(this.chunksDir(), group), join(far, group));
    let asked = 0;
    this.host.onChunkWanted(async (chunk) => {
      asked++;
      mkdirSync(join(this.chunksDir(), chunk.slice(0, 2)), { recursive: true });
      renameSync(join(far, chunk.slice(0, 2), chunk), join(this.chunksDir(), chunk.slice(0, 2), chunk));
      return "here" as const;
    });
    return () => asked;
  }

  /** After `makeCold`: nothing is brought; `asked` is called for each chunk. What is returned brings all back. */
  keepCold(asked: () => void): () => void {
    this.host.onChunkWanted(() => {
      asked();
      return new Promise(() => undefined);
    });
    return () => {
      for (const far of readdirSync(this.dir).filter((name) => name.startsWith("far-"))) {
        for (const group of readdirSync(join(this.dir, far)))
          renameSync(join(this.dir, far, group), join(this.chunksDir(), group));
        rmSync(join(this.dir, far), { recursive: true });
      }
    };
  }

  async create(program: string | Buffer, options: { readonly memorySizeMib?: number } = {}): Promise<TestClone> {
    const task = `code-${randomBytes(4).toString("hex")}`;
    mkdirSync(join(this.dir, "data/code", task), { mode: 0o755 });
    writeFileSync(join(this.dir, "data/code", task, "bootstrap"), program, { mode: 0o755 });
    const spec = specOf(task, options.memorySizeMib);
    const hosted = await this.host.create(ENGINE, spec);
    const clone = new TestClone(this, spec, await connectSupervisor(hosted.controlSocket, systemClock), hosted.exited);
    await clone.link.spawn({
      name: "runtime",
      argv: ["/var/task/bootstrap"],
      env: { AWS_LAMBDA_RUNTIME_API: API, PATH: "/usr/bin:/bin" },
      cwd: "/var/task",
    });
    await clone.ready();
    return clone;
  }

  async restore(snapshotId: SnapshotId, like: SandboxSpec): Promise<TestClone> {
    const spec = specOf(like.task, like.memorySizeMib);
    const hosted = await this.host
      .restore(ENGINE, spec, { snapshotId, fingerprint: FINGERPRINT, dataKey: this.dataKey })
      .catch((error: unknown) => {
        // A log of tests is for operators: CRIU's own words belong into it.
        if (error instanceof SandboxError) error.message += ` ${String(error.detail["hostMessage"])}`;
        throw error;
      });
    const link = connectSupervisor(hosted.controlSocket, systemClock);
    return new TestClone(this, spec, await link, hosted.exited);
  }

  async snapshot(clone: TestClone): Promise<SnapshotId> {
    return (await this.take(clone)).snapshotId;
  }

  async take(clone: TestClone): Promise<CapturedSnapshot & { readonly snapshotId: SnapshotId }> {
    const snapshotId = newSnapshotId();
    await clone.ready();
    while (this.#isRestoring()) await this.host.usage(clone.spec.environmentId, false);
    await clone.link.park();
    const taken = await this.host.snapshot(ENGINE, clone.spec.environmentId, {
      snapshotId,
      fingerprint: FINGERPRINT,
      secrets: this,
    });
    return { ...taken, snapshotId };
  }

  /**
   * True while a process of a clone has not ended its own restore. sandboxd waits until all may run, and not for their
   * last steps (patches/criu/0001): a child that has had no processor since has CRIU's log open, which no snapshot can
   * hold. Thaw itself takes snapshots of no clones.
   */
  #isRestoring(): boolean {
    return childrenOf(this.#child?.pid ?? 0).some(({ pid }) =>
      openFilesOf(pid).some((path) => path.includes("/restore.log")),
    );
  }

  async remove(): Promise<void> {
    await this.#stop();
    rmSync(this.dir, { recursive: true, force: true });
  }

  /** SIGKILL; what it did is left to the next start. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child?.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
    this.#host?.close();
    this.#child = null;
  }

  async #start(): Promise<void> {
    const { memory = "lazy", pagerMemoryMib = 256, faults, binaries, without = [] } = this.#options;
    const isStock = memory === "stock-lazy";
    const env = {
      ...process.env,
      ...(binaries === undefined ? {} : { THAW_BINARIES: binaries, THAW_CRIU: PARTS.criu }),
      ...(faults === undefined ? {} : faultyPrograms(faults)),
      ...(isStock ? { THAW_BENCH_MEMORY: memory } : {}),
      THAW_WITHOUT: without.join(),
    };
    const { sandboxd, supervisor, pager } = { ...partsOf(env), ...this.#options };
    const args = [
      "serve",
      "--run",
      join(this.dir, "run"),
      "--data",
      join(this.dir, "data"),
      "--runtimes",
      join(thawHomeOf(process.env), "runtimes"),
    ];
    args.push("--clients", PARTS.clients, "--supervisor", supervisor, "--server-uid", "0", "--pool", "1");
    args.push(
      "--memory",
      isStock ? "lazy" : memory,
      "--pager",
      pager,
      "--pager-uid",
      "64322",
      "--pager-memory-mib",
      String(pagerMemoryMib),
      "--criu",
      PARTS.criu,
    );
    const child = spawn("setpriv", ["--pdeathsig", "TERM", sandboxd, ...args], {
      stdio: ["ignore", "pipe", "pipe"],
      env,
    });
    child.stderr.on("data", (bytes: Buffer) => this.#output.push(bytes.toString()));
    this.#child = child;
    await new Promise<void>((resolve, reject) => {
      createInterface({ input: child.stdout }).once("line", () => resolve());
      child.once("exit", (code) => reject(new Error(`sandboxd ended with ${code}: ${this.output()}`)));
    });
    this.#host = await connectSandboxd(join(this.dir, "run/sandboxd.sock"));
  }

  async #stop(): Promise<void> {
    const child = this.#child;
    this.#host?.close();
    this.#child = null;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill("SIGTERM");
    await gone;
  }
}

/** None of a process that has gone. */
function openFilesOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
  } catch {
    return [];
  }
}

function specOf(task: string, memorySizeMib = 512): SandboxSpec {
  const environmentId = newEnvironmentId();
  const names = { root: "host", lang: null, client: "provided", task, opt: null };
  const limits = {
    fileSystems: [],
    hostPorts: [],
    callsServices: false,
    recordsSent: false,
    memorySizeMib,
    tmpSizeMib: 512,
  };
  return { environmentId, ...names, ...limits, uid: UID };
}

const ANSWER_SIZE_BYTES_MAX = 6_400_000;

/** A sandbox whose program speaks the Runtime API (tests/engines/programs/runtime.py). */
export class TestClone {
  readonly spec: SandboxSpec;
  readonly link: SupervisorLink;
  readonly exited: Promise<SandboxExit>;
  readonly #sandboxd: TestSandboxd;
  #next: RuntimeCall | null = null;
  #answer: string | null = null;
  #log = "";
  #isLost = false;
  readonly #watchers = new Set<() => void>();

  constructor(sandboxd: TestSandboxd, spec: SandboxSpec, link: SupervisorLink, exited: Promise<SandboxExit>) {
    this.#sandboxd = sandboxd;
    this.spec = spec;
    this.link = link;
    this.exited = exited;
    link.listen({
      onCall: (call) => this.#onCall(call),
      onAbandoned: () => undefined,
      onLog: (_source, _stream, bytes) => {
        this.#log += bytes.toString();
        this.#changed();
      },
      onExit: () => this.#lose(),
      onLost: () => this.#lose(),
    });
  }

  /** The program waits for an event. */
  ready(): Promise<void> {
    return this.#until("an idle program", () => this.#next !== null);
  }

  /** Sends an event; what the program answers. Rejects when the sandbox ends before. */
  async invoke(event: unknown = {}): Promise<unknown> {
    await this.ready();
    const call = this.#next;
    this.#next = null;
    this.#answer = null;
    call?.respond(
      200,
      { "Lambda-Runtime-Aws-Request-Id": "r-1", "Content-Type": "application/json" },
      JSON.stringify(event),
    );
    await this.#until("an answer", () => this.#answer !== null);
    return JSON.parse(this.#answer ?? "null") as unknown;
  }

  /** The program has printed this line. Rejects when the sandbox ends before. */
  said(line: string): Promise<void> {
    return this.#until(`"${line}" in the log`, () => this.#log.split("\n").includes(line));
  }

  async destroy(): Promise<void> {
    this.link.close();
    await this.#sandboxd.host.destroy(this.spec.environmentId);
  }

  #onCall(call: RuntimeCall): void {
    if (call.method === "GET") this.#next = call;
    else {
      call.body.keep(ANSWER_SIZE_BYTES_MAX, (kept) => {
        this.#answer = kept.kind === "whole" ? kept.bytes.toString() : JSON.stringify(kept.kind);
        call.respond(202, {}, "");
        this.#changed();
      });
    }
    this.#changed();
  }

  #lose(): void {
    this.#isLost = true;
    this.#changed();
  }

  #changed(): void {
    for (const look of this.#watchers) look();
  }

  #until(what: string, isThere: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`never: ${what}\n${this.#sandboxd.output().slice(-2000)}`)),
        ANSWER_TIMEOUT_MS,
      );
      const look = (): void => {
        if (!isThere() && !this.#isLost) return;
        clearTimeout(timer);
        this.#watchers.delete(look);
        if (isThere()) resolve();
        else reject(new CloneLost());
      };
      this.#watchers.add(look);
      look();
    });
  }
}

export class CloneLost extends Error {}
