/**
 * What the phases of an environment share: its sandbox, its runtime session, its log and its inbox. The phases (run-init,
 * run-restore, run-invoke, take-snapshot) run one after the other on the environment's driver, never at once.
 */
import { strict as assert } from "node:assert";
import type { EnvironmentId, SnapshotId } from "../../base/ids.ts";
import { PhaseRecorder } from "../../model/phases.ts";
import type { FunctionCredentials } from "../../ports/credential-source.ts";
import type { Sandbox, SandboxExit, SandboxSpec } from "../../ports/engine.ts";
import type { RuntimeRecipe } from "../../ports/runtime-catalog.ts";
import type { ProcessExit } from "../../ports/supervisor.ts";
import type { InvokeInput, InvokeOutcome, RunnableVersion } from "../../ports/worker.ts";
import { EnvironmentLog, nameLogStream } from "../telemetry/environment-log.ts";
import { buildEnvironmentVariables, type InitializationType } from "../runtime-api/environment-variables.ts";
import { describeExit, type Failure } from "../function-errors.ts";
import { Inbox } from "./inbox.ts";
import { CONNECTION_LOST, SNAPSHOT_DAMAGED, toPlatformFailure } from "../platform-failure.ts";
import { type RuntimeEvent, RuntimeSession } from "../runtime-api/session.ts";
import { deriveSnapshotToken } from "../runtime-api/snapshot-token.ts";
import type { WorkerServices } from "../worker-services.ts";
import type { WorkingSetInfo } from "../../ports/snapshot-disk.ts";
import type { SnapshotKey } from "../../ports/snapshots.ts";

const WRAPPER_VARIABLE = "AWS_LAMBDA_EXEC_WRAPPER";
/** Names the process of the runtime to the supervisor. */
const RUNTIME_PROCESS = "runtime";
/** Credentials are replaced this long before they end. */
const CREDENTIALS_MARGIN_MS = 5 * 60_000;
/** How long after the connection's end the news of the sandbox's end may come. */
const SANDBOX_EXIT_WAIT_MS = 1000;
const SIGKILL = 9;
/** What a shell makes of a child killed by SIGKILL. */
const EXIT_CODE_OF_SIGKILL = 137;

export type EnvironmentMode =
  | { readonly kind: "on-demand" }
  | { readonly kind: "provisioned" }
  | { readonly kind: "restore"; readonly snapshotId: SnapshotId; readonly key: SnapshotKey }
  | { readonly kind: "snapshot"; readonly snapshotId: SnapshotId };

/** `gone`: the environment ended before it took the invoke; nothing of it was run. */
export type InvokeReply = InvokeOutcome | { readonly kind: "gone" };

export interface InvokeRequest {
  readonly input: InvokeInput;
  /** Called once. */
  reply(reply: InvokeReply): void;
}

export type EnvironmentEvent =
  | RuntimeEvent
  | { readonly kind: "exit"; readonly exit: ProcessExit }
  | { readonly kind: "lost" }
  | { readonly kind: "sandbox-exited"; readonly exit: SandboxExit }
  | { readonly kind: "deadline"; readonly deadline: Deadline }
  | { readonly kind: "invoke"; readonly request: InvokeRequest }
  | { readonly kind: "stop" }
  | { readonly kind: "kill"; readonly failure: Failure };

/** A point in time that arrives in the inbox. A stale one is told apart by its identity. */
export interface Deadline {
  cancel(): void;
}

export type WaitResult<K extends RuntimeEvent["kind"]> =
  | { readonly kind: "event"; readonly event: Extract<RuntimeEvent, { readonly kind: K }> }
  | { readonly kind: "failed"; readonly failure: Failure };

export interface EnvironmentOptions {
  readonly environmentId: EnvironmentId;
  readonly version: RunnableVersion;
  readonly recipe: RuntimeRecipe;
  readonly mode: EnvironmentMode;
  readonly services: WorkerServices;
}

export class EnvironmentCore {
  readonly environmentId: EnvironmentId;
  readonly version: RunnableVersion;
  readonly recipe: RuntimeRecipe;
  readonly mode: EnvironmentMode;
  readonly services: WorkerServices;
  readonly inbox = new Inbox<EnvironmentEvent>();
  readonly phases = new PhaseRecorder(() => this.nowMs());
  /** No further invoke is taken. */
  isStopRequested = false;
  memoryMaxMib = 0;
  /** How the memory of a restored clone came; null where it was not restored, or is not known yet. */
  memory: WorkingSetInfo | null = null;
  readonly #token: string | null;
  #log: EnvironmentLog;
  #credentials: FunctionCredentials | null = null;
  #sandbox: Sandbox | null = null;
  #session: RuntimeSession | null = null;

  constructor(options: EnvironmentOptions) {
    const { environmentId, version, recipe, mode, services } = options;
    this.environmentId = environmentId;
    this.version = version;
    this.recipe = recipe;
    this.mode = mode;
    this.services = services;
    this.#token = "snapshotId" in mode ? deriveSnapshotToken(services.secret, mode.snapshotId) : null;
    this.#log = openLog(options);
  }

  get log(): EnvironmentLog {
    return this.#log;
  }

  /** What no two clones share: a log stream and credentials of its own, from now on. */
  renewIdentity(): void {
    this.#log.flushOutput();
    this.#log = openLog(this);
    this.#credentials = null;
  }

  get isSnapStart(): boolean {
    return this.#token !== null;
  }

  /** AWS's AWS_LAMBDA_INITIALIZATION_TYPE. */
  get initializationType(): InitializationType {
    if (this.isSnapStart) return "snap-start";
    return this.mode.kind === "provisioned" ? "provisioned-concurrency" : "on-demand";
  }

  get sandbox(): Sandbox {
    assert(this.#sandbox !== null, "an environment without a sandbox was used");
    return this.#sandbox;
  }

  get session(): RuntimeSession {
    assert(this.#session !== null, "an environment without a runtime session was used");
    return this.#session;
  }

  get sandboxSpec(): SandboxSpec {
    const { version, recipe } = this;
    return {
      environmentId: this.environmentId,
      root: recipe.root,
      lang: recipe.lang,
      client: recipe.client,
      task: version.codeName,
      opt: null,
      uid: version.uid,
      memorySizeMib: version.memorySizeMib,
      tmpSizeMib: version.tmpSizeMib,
      fileSystems: version.fileSystems,
      recordsSent: version.recordsSent === true,
    };
  }

  nowMs(): number {
    return this.services.clock.monotonicMs();
  }

  /** Takes over a sandbox that the engine made: its events go to the inbox from here on. */
  attach(sandbox: Sandbox): void {
    this.#sandbox = sandbox;
    const session = new RuntimeSession({
      snapStart: this.isSnapStart,
      token: this.#token,
      credentials: () => this.currentCredentials(),
      emit: (event) => this.#putFrom(sandbox, event),
    });
    this.#session = session;
    sandbox.link.listen({
      onCall: (call) => session.handleCall(call),
      onAbandoned: (call) => session.handleAbandoned(call),
      onLog: (source, stream, bytes) => this.log.writeOutput(source, stream, bytes),
      onExit: (exit) => {
        if (exit.name === RUNTIME_PROCESS) this.#putFrom(sandbox, { kind: "exit", exit });
      },
      onLost: () => this.#putFrom(sandbox, { kind: "lost" }),
    });
    void sandbox.exited.then((exit) => this.#putFrom(sandbox, { kind: "sandbox-exited", exit }));
  }

  /** Of a managed runtime, the wrapper script of the function first (AWS: "Modifying the runtime environment", wrapper scripts). */
  get runtimeArgv(): readonly string[] {
    const { version, recipe, wrapper } = this;
    const { handler, memorySizeMib } = version;
    const argv = recipe.argv({ handler, memorySizeMib, snapStart: this.isSnapStart });
    return wrapper === null ? argv : [wrapper, ...argv];
  }

  /** Path of the script that starts the runtime in the function's way; custom runtimes have none. */
  get wrapper(): string | null {
    const { runtime, environment } = this.version;
    return (!runtime.startsWith("provided") && environment[WRAPPER_VARIABLE]) || null;
  }

  /** Starts the runtime process. Rejects with the errno's name. */
  async spawnRuntime(): Promise<void> {
    const { version, recipe } = this;
    await this.sandbox.link.spawn({
      name: RUNTIME_PROCESS,
      argv: this.runtimeArgv,
      env: buildEnvironmentVariables(
        version,
        recipe,
        this.#token === null
          ? { kind: "variables", credentials: this.currentCredentials(), logStream: this.log.logStream }
          : { kind: "endpoint", token: this.#token },
        this.initializationType,
      ),
      cwd: "/var/task",
    });
  }

  /** Fresh ones when those at hand end soon. */
  currentCredentials(): FunctionCredentials {
    const current = this.#credentials;
    if (current !== null && current.expiresAtMs - this.services.clock.nowMs() > CREDENTIALS_MARGIN_MS) return current;
    this.#credentials = this.services.credentials.issue(this.version.functionArn);
    return this.#credentials;
  }

  startDeadline(delayMs: number): Deadline {
    const deadline: Deadline = {
      cancel: this.services.clock.after(delayMs, () => this.inbox.put({ kind: "deadline", deadline })),
    };
    return deadline;
  }

  /** Waits until the runtime does one of `kinds`, or the phase fails. Requests to stop are remembered for later. */
  async waitFor<K extends RuntimeEvent["kind"]>(
    deadline: Deadline | null,
    kinds: readonly K[],
  ): Promise<WaitResult<K>> {
    for (;;) {
      const event = await this.inbox.take();
      if ((kinds as readonly string[]).includes(event.kind)) {
        return { kind: "event", event: event as Extract<RuntimeEvent, { readonly kind: K }> };
      }
      const failure = await this.#toFailure(event, deadline);
      if (failure !== null) return { kind: "failed", failure };
    }
  }

  /** Ends the sandbox and forgets it. A failure to do so is reported, and leaves nothing for the caller to do. */
  async destroySandbox(): Promise<void> {
    const sandbox = this.#sandbox;
    this.#sandbox = null;
    this.#session = null;
    if (sandbox === null) return;
    try {
      await sandbox.destroy();
    } catch (error) {
      this.reportProblem("destroy sandbox", error);
    }
  }

  /** High-water mark in MiB; the last one known where the sandbox is gone. */
  async measureMemoryMaxMib(): Promise<number> {
    try {
      const usage = await this.sandbox.usage();
      const measured = Math.ceil(usage.memoryMaxBytes / (1024 * 1024));
      this.memoryMaxMib = Math.max(this.memoryMaxMib, Math.min(measured, this.version.memorySizeMib));
    } catch {
      // A sandbox that died with its function: the report keeps the last value.
    }
    return this.memoryMaxMib;
  }

  reportProblem(what: string, error: unknown): void {
    this.services.onProblem({ what, environmentId: this.environmentId, error });
  }

  #putFrom(sandbox: Sandbox, event: EnvironmentEvent): void {
    if (this.#sandbox === sandbox) this.inbox.put(event);
  }

  async #toFailure(event: EnvironmentEvent, deadline: Deadline | null): Promise<Failure | null> {
    switch (event.kind) {
      case "deadline":
        return event.deadline === deadline ? { kind: "timeout" } : null;
      case "init-error":
      case "restore-error":
        await this.#waitForExit();
        return { kind: "reported", errorType: event.errorType, body: event.body };
      case "exit":
        return this.#exitFailure(event.exit);
      case "lost":
        return this.#waitForSandboxExit();
      case "sandbox-exited":
        return sandboxExitFailure(event.exit);
      case "kill":
        return event.failure;
      case "stop":
        this.isStopRequested = true;
        return null;
      case "invoke":
        event.request.reply({ kind: "gone" });
        return null;
      default:
        return null;
    }
  }

  async #exitFailure(exit: ProcessExit): Promise<Failure> {
    const wasKilled = exit.signal === SIGKILL || exit.code === EXIT_CODE_OF_SIGKILL;
    if (wasKilled && (await this.#hasOomKills())) {
      return { kind: "exit", errorType: "Runtime.OutOfMemory", message: "Runtime exited with error: signal: killed" };
    }
    return { kind: "exit", errorType: "Runtime.ExitError", message: describeExit(exit) };
  }

  async #hasOomKills(): Promise<boolean> {
    try {
      return (await this.sandbox.usage()).oomKills > 0;
    } catch (error) {
      this.reportProblem("read usage after the runtime was killed", error);
      return false;
    }
  }

  /** A runtime that reported an error exits by itself; its exit comes after its last output. */
  #waitForExit(): Promise<void> {
    return this.#skipUntil(["exit", "lost", "sandbox-exited"], this.services.limits.exitWaitMs).then(() => undefined);
  }

  async #waitForSandboxExit(): Promise<Failure> {
    const event = await this.#skipUntil(["sandbox-exited"], SANDBOX_EXIT_WAIT_MS);
    return event?.kind === "sandbox-exited" ? sandboxExitFailure(event.exit) : CONNECTION_LOST;
  }

  async #skipUntil(kinds: readonly EnvironmentEvent["kind"][], limitMs: number): Promise<EnvironmentEvent | null> {
    const deadline = this.startDeadline(limitMs);
    for (;;) {
      const event = await this.inbox.take();
      if (event.kind === "deadline" && event.deadline === deadline) return null;
      if (event.kind === "stop" || event.kind === "kill") this.isStopRequested = true;
      if (event.kind === "invoke") event.request.reply({ kind: "gone" });
      if (!kinds.includes(event.kind)) continue;
      deadline.cancel();
      return event;
    }
  }
}

function openLog({ environmentId, version, services }: EnvironmentOptions): EnvironmentLog {
  return new EnvironmentLog({
    logs: services.logs,
    clock: services.clock,
    logGroup: version.logGroup,
    logStream: nameLogStream(environmentId, version.version, services.clock.nowMs()),
    format: version.logFormat,
    systemLogLevel: version.systemLogLevel,
    phaseSizeBytesMax: services.limits.logPhaseSizeBytesMax,
  });
}

function sandboxExitFailure(exit: SandboxExit): Failure {
  if (exit.snapshotDamaged) return SNAPSHOT_DAMAGED;
  if (!exit.oom) return CONNECTION_LOST;
  return { kind: "exit", errorType: "Runtime.OutOfMemory", message: "Runtime exited with error: signal: killed" };
}

/** Runs an engine's call; what it throws becomes a platform failure. */
export async function tryEngine<T>(
  run: () => Promise<T>,
): Promise<
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly failure: Failure; readonly error: unknown }
> {
  try {
    return { ok: true, value: await run() };
  } catch (error) {
    return { ok: false, failure: toPlatformFailure(error), error };
  }
}
