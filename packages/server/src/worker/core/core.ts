/**
 * The things that phases and lives of one environment share: the version it runs, its log, credentials, phases and
 * inbox, and the sandbox that it must destroy in the end. Phases run one after the other on the environment's driver,
 * never at once.
 *
 * The sandbox is handed from phase to phase as `Brought` (brought.ts). The core keeps it for two purposes only: to end
 * it, in whatever phase that is, and to drop events of a sandbox that has been replaced.
 */
import type { EnvironmentId } from "../../base/ids.ts";
import { logGroupArn, scopeOfFunction } from "../../model/log-group.ts";
import { PhaseRecorder } from "../../model/phases.ts";
import type { FunctionCredentials } from "../../ports/credential-source.ts";
import type { Sandbox, SandboxSpec } from "../../ports/engine.ts";
import type { RuntimeRecipe } from "../../ports/runtime-catalog.ts";
import type { WorkingSetInfo } from "../../ports/snapshot-disk.ts";
import type { RunnableVersion } from "../../ports/worker.ts";
import type { Failure } from "../function-errors.ts";
import { toPlatformFailure } from "../platform-failure.ts";
import type { InitializationType } from "../runtime-api/environment-variables.ts";
import type { EnvironmentApi } from "../runtime-api/api.ts";
import { deriveToken } from "../runtime-api/tokens.ts";
import { EnvironmentLog, nameLogStream } from "../telemetry/environment-log.ts";
import { TelemetryHub } from "../telemetry/hub.ts";
import { toLogLevel } from "../telemetry/application-level.ts";
import type { DebuggedVersion } from "../debug-sessions.ts";
import type { WorkerServices } from "../worker-services.ts";
import type { Brought } from "./brought.ts";
import type { Deadline, EnvironmentEvent, EnvironmentMode } from "./events.ts";
import { Inbox } from "./inbox.ts";

/** Credentials are replaced this long before they end. */
const CREDENTIALS_MARGIN_MS = 5 * 60_000;
/** Part of a function's unused memory that stays counted: it may grow at any moment. */
const HELD_BACK_SHARE = 0.25;
const HELD_BACK_MIB_MIN = 32;

/** Events that outlive the sandbox. */
const NOT_OF_A_SANDBOX: ReadonlySet<EnvironmentEvent["kind"]> = new Set(["deadline", "invoke", "stop", "kill"]);
/** Events that outlive its processes. */
const NOT_OF_PROCESSES: typeof NOT_OF_A_SANDBOX = new Set([...NOT_OF_A_SANDBOX, "lost", "sandbox-exited"]);

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
  readonly createdAtMs: number;
  readonly createdMonotonicMs: number;
  readonly inbox = new Inbox<EnvironmentEvent>();
  readonly phases = new PhaseRecorder(() => this.nowMs());
  /** Takes what the log takes, for extensions that have subscribed. */
  readonly telemetry: TelemetryHub;
  /** The token of the credentials endpoint; null without SnapStart. */
  readonly token: string | null;
  /** The token of the metadata endpoint, which all environments have. */
  readonly metadataToken: string;
  /** Null where nobody debugged the function when the environment was made. */
  readonly debug: DebuggedVersion | null;
  #log: EnvironmentLog;
  #credentials: FunctionCredentials | null = null;
  #brought: Brought | null = null;
  #failure: Failure | null = null;
  #memoryMaxMib = 0;
  #memory: WorkingSetInfo | null = null;
  #oomKills = 0;

  constructor(options: EnvironmentOptions) {
    const { environmentId, version, recipe, mode, services } = options;
    this.environmentId = environmentId;
    this.version = version;
    this.recipe = recipe;
    this.mode = mode;
    this.services = services;
    this.createdAtMs = services.clock.nowMs();
    this.createdMonotonicMs = services.clock.monotonicMs();
    const snapshotId = "snapshotId" in mode ? mode.snapshotId : null;
    this.token = snapshotId === null ? null : deriveToken(services.secret, "credentials", snapshotId);
    this.metadataToken = deriveToken(services.secret, "metadata", snapshotId ?? environmentId);
    this.telemetry = new TelemetryHub(services.clock);
    this.debug = services.debugging?.of(version) ?? null;
    this.#log = openLog(options, this.telemetry);
  }

  /** How the memory of a restored clone came; null where it was not restored, or is not known yet. */
  get memory(): WorkingSetInfo | null {
    return this.#memory;
  }

  noteMemory(memory: WorkingSetInfo): void {
    this.#memory = memory;
  }

  get log(): EnvironmentLog {
    return this.#log;
  }

  /** Gives the environment what no two clones share, from now on: a log stream and credentials of its own. */
  renewIdentity(): void {
    this.#log.flushOutput();
    this.#log = openLog(this, this.telemetry);
    this.#credentials = null;
  }

  get isSnapStart(): boolean {
    return this.token !== null;
  }

  /** AWS's AWS_LAMBDA_INITIALIZATION_TYPE. */
  get initializationType(): InitializationType {
    if (this.isSnapStart) return "snap-start";
    return this.mode.kind === "provisioned" ? "provisioned-concurrency" : "on-demand";
  }

  get sandboxSpec(): SandboxSpec {
    const { version, recipe } = this;
    return {
      environmentId: this.environmentId,
      root: recipe.root,
      lang: recipe.lang,
      ...(recipe.programs === undefined ? {} : { programs: recipe.programs }),
      client: recipe.client,
      task: version.codeName,
      opt: version.optName,
      uid: version.uid,
      memorySizeMib: version.memorySizeMib,
      tmpSizeMib: version.tmpSizeMib,
      fileSystems: version.fileSystems,
      hostPorts: this.services.limits.hostPortsOf(version),
      callsServices: this.services.limits.callsServices(version),
      recordsSent: version.recordsSent === true,
    };
  }

  nowMs(): number {
    return this.services.clock.monotonicMs();
  }

  /** Makes this the environment's sandbox, to be destroyed with it. */
  adopt(brought: Brought): void {
    if (this.#brought?.sandbox !== brought.sandbox) this.#oomKills = 0;
    this.#brought = brought;
    this.#failure = null;
  }

  /** The sandbox that is to be ended; null where there is none. */
  get toEnd(): Brought | null {
    return this.#brought;
  }

  /** Why the sandbox can't be used again; null where nothing failed. */
  get failure(): Failure | null {
    return this.#failure;
  }

  noteFailure(failure: Failure | null): void {
    this.#failure ??= failure;
  }

  /**
   * Puts an event of a sandbox, or of the processes in it, into the inbox; one of a sandbox that has been replaced, or
   * of processes that a reset has ended, is dropped.
   */
  putFrom(source: Sandbox | EnvironmentApi, event: EnvironmentEvent): void {
    if (source === this.#brought?.sandbox || source === this.#brought?.api) this.inbox.put(event);
  }

  /** Says whether the kernel has killed in this sandbox for memory since the last call. */
  async hasNewOomKills({ sandbox }: Brought): Promise<boolean> {
    const { oomKills } = await sandbox.usage();
    const isNew = oomKills > this.#oomKills;
    this.#oomKills = oomKills;
    return isNew;
  }

  /** Freezes the sandbox. Nobody in it can take telemetry from here on. */
  freeze({ sandbox }: Brought): Promise<void> {
    this.telemetry.pause();
    return sandbox.freeze();
  }

  /** The same between invokes, where a debugger is to be answered. */
  async freezeBetweenInvokes(brought: Brought): Promise<void> {
    if (this.debug?.isOpen !== true) await this.freeze(brought);
  }

  async thaw({ sandbox }: Brought): Promise<void> {
    await sandbox.thaw();
    this.telemetry.resume();
  }

  /** Forgets the processes of a sandbox that were ended; it stays. */
  forgetProcesses(): void {
    this.telemetry.reset();
    this.phases.clear();
    this.inbox.discard(({ kind }) => !NOT_OF_PROCESSES.has(kind));
  }

  /** Destroys the sandbox and forgets it. A failure to do so is reported, and leaves nothing for the caller to do. */
  async destroySandbox(): Promise<void> {
    const brought = this.#brought;
    this.#brought = null;
    this.telemetry.reset();
    this.debug?.hide(this.environmentId);
    if (brought === null) return;
    // What its processes did at their end must not look like something that those of the next sandbox did.
    this.inbox.discard(({ kind }) => !NOT_OF_A_SANDBOX.has(kind));
    try {
      await brought.sandbox.destroy();
    } catch (error) {
      this.reportProblem("destroy sandbox", error);
    }
  }

  /**
   * The memory that is counted against the host's: what was measured, and a part of the rest held back for growth. All
   * of it before the first measurement, and where the host counts what is configured.
   */
  get countedMemoryMib(): number {
    const { memorySizeMib } = this.version;
    if (!this.services.limits.countsUsedMemory || this.#memoryMaxMib === 0) return memorySizeMib;
    const heldBackMib = Math.max(HELD_BACK_MIB_MIN, (memorySizeMib - this.#memoryMaxMib) * HELD_BACK_SHARE);
    return Math.min(memorySizeMib, Math.ceil(this.#memoryMaxMib + heldBackMib));
  }

  /** Measures what the environment uses now; nothing where it has no sandbox yet, or none any more. */
  async measure(): Promise<void> {
    if (this.#brought !== null) await this.measureMemoryMaxMib(this.#brought.sandbox);
  }

  /** Returns the high-water mark in MiB; the last one known where the sandbox has died with its function. */
  async measureMemoryMaxMib(sandbox: Sandbox): Promise<number> {
    try {
      const usage = await sandbox.usage();
      const measured = Math.ceil(usage.memoryMaxBytes / (1024 * 1024));
      this.#memoryMaxMib = Math.max(this.#memoryMaxMib, Math.min(measured, this.version.memorySizeMib));
    } catch {
      // The report keeps the last value.
    }
    return this.#memoryMaxMib;
  }

  /** Issues fresh credentials when those at hand end soon. */
  currentCredentials(): FunctionCredentials {
    const current = this.#credentials;
    if (current !== null && current.expiresAtMs - this.services.clock.nowMs() > CREDENTIALS_MARGIN_MS) return current;
    this.#credentials = this.services.credentials.issue(this.version);
    return this.#credentials;
  }

  startDeadline(delayMs: number): Deadline {
    const deadline: Deadline = {
      cancel: this.services.clock.after(delayMs, () => this.inbox.put({ kind: "deadline", deadline })),
    };
    return deadline;
  }

  /** A limit of the function's own time. It begins when the function is not debugged any more. */
  startLimit(delayMs: number): Deadline {
    if (this.debug === null) return this.startDeadline(delayMs);
    let cancel: () => void = () => undefined;
    const forget = this.debug.whenEnded(() => {
      cancel = this.services.clock.after(delayMs, () => this.inbox.put({ kind: "deadline", deadline }));
    });
    const deadline: Deadline = {
      cancel: () => {
        forget();
        cancel();
      },
    };
    return deadline;
  }

  reportProblem(what: string, error: unknown): void {
    this.services.onProblem({ what, environmentId: this.environmentId, error });
  }
}

function openLog(
  { environmentId, version, services }: Pick<EnvironmentOptions, "environmentId" | "version" | "services">,
  observer: TelemetryHub,
): EnvironmentLog {
  return new EnvironmentLog({
    logs: services.logs,
    clock: services.clock,
    logGroupArn: logGroupArn(scopeOfFunction(version.functionArn), version.logGroup),
    logStream: nameLogStream(environmentId, version.version, services.clock.nowMs()),
    format: version.logFormat,
    systemLogLevel: version.systemLogLevel,
    applicationLogLevel: version.logFormat === "JSON" ? toLogLevel(version.applicationLogLevel) : null,
    phaseSizeBytesMax: services.limits.logPhaseSizeBytesMax,
    observer,
  });
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
