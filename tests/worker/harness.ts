/** A worker on the fake engine, a clock that tests move, and a log in memory. */
import { randomUUID } from "node:crypto";
import { newSnapshotId, type SnapshotId } from "@thaw/server/testing/base";
import {
  createFakeSnapshots,
  FakeClock,
  FakeEngine,
  type FakeEngineOptions,
  type FakeFunction,
} from "@thaw/server/testing/fakes";
import type {
  InvocationReport,
  InvokeInput,
  InvokeOutcome,
  InvokeSuccess,
  LogEvent,
  LogOrigin,
  LogStore,
  RestoreReport,
  RunnableVersion,
  RuntimeCatalog,
  SnapshotOutcome,
  Snapshots,
  Worker,
} from "@thaw/server/testing/ports";
import type { WorkerNews } from "@thaw/server/testing/remote-worker";
import { createWorker, DebugSessions, type WorkerLimits, type WorkerProblem } from "@thaw/server/testing/worker";

/** With the payload taken whole. */
export type WholeSuccess = Omit<InvokeSuccess, "payload"> & { readonly payload: Buffer };
export type WholeOutcome = WholeSuccess | Exclude<InvokeOutcome, InvokeSuccess>;

const catalog: RuntimeCatalog = {
  find: (runtime) =>
    runtime === "java99"
      ? null
      : {
          runtime,
          root: "host",
          lang: null,
          client: "fake",
          argv: () => ["/var/runtime/bootstrap"],
          env: { LANG: "en_US.UTF-8", PATH: "/usr/bin" },
          writesRecords: false,
          runtimeVersion: "python:3.13.thaw",
          runtimeVersionArn: "arn:aws:lambda:us-east-1::runtime:abc",
          fingerprint: "f",
        },
  list: () => [],
  all: () => [],
  releases: () => [],
  remedy: (runtime) => `Run: npx thaw runtimes install ${runtime}`,
};

export class MemoryLogStore implements LogStore {
  readonly events: LogEvent[] = [];

  append(_groupArn: string, logStream: string, timestampMs: number, message: string, origin: LogOrigin): void {
    this.events.push({ logStream, timestampMs, message, origin });
  }

  async *read(): AsyncGenerator<readonly LogEvent[]> {
    yield this.events;
  }

  async has(): Promise<boolean> {
    return this.events.length > 0;
  }

  followWritten(): null {
    return null;
  }

  async readEvents(): Promise<"no group"> {
    return "no group";
  }

  async close(): Promise<void> {}

  get lines(): readonly string[] {
    return this.events.map((event) => event.message);
  }
}

export class WorkerHarness {
  readonly clock = new FakeClock();
  readonly logs = new MemoryLogStore();
  readonly restores: RestoreReport[] = [];
  readonly invocations: InvocationReport[] = [];
  readonly problems: WorkerProblem[] = [];
  /** What thaw.prime.json has. */
  primes: readonly string[] = [];
  readonly engine: FakeEngine;
  readonly snapshots: Snapshots | null;
  readonly worker: Worker;
  readonly debugging = new DebugSessions(this.clock);
  credentialsIssued = 0;

  constructor(
    run: FakeFunction,
    options: Partial<FakeEngineOptions> & { readonly limits?: Partial<WorkerLimits>; readonly news?: WorkerNews } = {},
  ) {
    this.engine = new FakeEngine({ functions: { code: run }, ...options });
    const onProblem = (what: string, error: unknown): void =>
      void this.problems.push({ what, environmentId: null, error });
    const { images, disk } = this.engine;
    this.snapshots =
      images === null ? null : createFakeSnapshots({ images, disk, clock: this.clock, afar: null, onProblem });
    this.worker = createWorker({
      engine: this.engine,
      snapshots: this.snapshots,
      catalog,
      logs: options.news ?? this.logs,
      clock: this.clock,
      debugging: this.debugging,
      secret: Buffer.alloc(32, 7),
      credentials: {
        issue: () => ({
          accessKeyId: `AKID${++this.credentialsIssued}`,
          secretAccessKey: "secret",
          sessionToken: "token",
          expiresAtMs: this.clock.nowMs() + 12 * 3_600_000,
        }),
      },
      primes: { readPrimes: async () => this.primes.map((text) => Buffer.from(text)) },
      onRestore: (report) => {
        this.restores.push(report);
        options.news?.restored(report);
      },
      onInvocation: (report) => {
        this.invocations.push(report);
        options.news?.invoked(report);
      },
      onProblem: (problem) => void this.problems.push(problem),
      // Clones are parked only where a test is about them.
      limits: { parkedPerVersionMax: 0, ...options.limits },
    });
  }

  version(changes: Partial<RunnableVersion> = {}): RunnableVersion {
    return {
      runKey: "run-1",
      functionName: "hello",
      version: "$LATEST",
      functionArn: "arn:aws:lambda:us-east-1:000000000000:function:hello",
      accountId: "000000000000",
      region: "us-east-1",
      role: "arn:aws:iam::000000000000:role/test",
      runtime: "python3.13",
      handler: "app.handler",
      codeName: "code",
      image: null,
      optName: null,
      layerNames: [],
      memorySizeMib: 128,
      timeoutS: 3,
      tmpSizeMib: 512,
      fileSystems: [],
      environment: {},
      uid: 100_000,
      logGroup: "/aws/lambda/hello",
      logFormat: "Text",
      applicationLogLevel: null,
      systemLogLevel: null,
      snapshotId: null,
      snapshotKey: null,
      kmsKeyArn: null,
      snapshotFingerprints: null,
      ...changes,
    };
  }

  input(changes: Partial<InvokeInput> = {}): InvokeInput {
    return {
      requestId: randomUUID(),
      payload: Buffer.from("{}"),
      invokedFunctionArn: "arn:aws:lambda:us-east-1:000000000000:function:hello",
      clientContext: null,
      traceId: null,
      wantsLogTail: false,
      ...changes,
    };
  }

  async invoke(changes: Partial<RunnableVersion> = {}, input: Partial<InvokeInput> = {}): Promise<WholeOutcome> {
    return whole(await this.worker.invoke(this.version(changes), this.input(input)));
  }

  async invokeOk(changes: Partial<RunnableVersion> = {}, input: Partial<InvokeInput> = {}): Promise<WholeSuccess> {
    const outcome = await this.invoke(changes, input);
    if (outcome.kind !== "response") throw new Error(`not a response: ${JSON.stringify(outcome)}`);
    await this.clock.advance(0);
    return outcome;
  }

  /** Publishes: the version's members that make it a restorable one. */
  async publish(changes: Partial<RunnableVersion> = {}): Promise<{
    readonly outcome: SnapshotOutcome;
    readonly snapshotId: SnapshotId;
    readonly restorable: Partial<RunnableVersion>;
  }> {
    const snapshotId = newSnapshotId();
    const published = { version: "1", runKey: "run-v1", ...changes };
    const outcome = await this.worker.createSnapshot(this.version(published), snapshotId, new AbortController().signal);
    const ready = outcome.kind === "ready" ? outcome : null;
    const made = {
      snapshotId,
      snapshotKey: ready?.snapshotKey ?? null,
      snapshotFingerprints: ready?.fingerprints ?? null,
    };
    return { outcome, snapshotId, restorable: { ...published, ...made } };
  }

  /** Closes the worker; throws when anything is left or was done to a frozen sandbox. */
  async end(): Promise<void> {
    await this.worker.close(0);
    await this.clock.advance(0);
    const left = {
      sandboxes: this.engine.live.size,
      timers: this.clock.timerCount,
      violations: this.engine.violations,
      listed: (await this.worker.report()).environments.length,
    };
    if (left.sandboxes + left.timers + left.violations.length + left.listed > 0)
      throw new Error(`left behind: ${JSON.stringify(left)}`);
  }
}

export async function whole(outcome: InvokeOutcome): Promise<WholeOutcome> {
  if (outcome.kind !== "response") return outcome;
  return { ...outcome, payload: await outcome.payload.collect(Number.POSITIVE_INFINITY) };
}

/** A response's JSON. */
export function json(outcome: WholeSuccess): unknown {
  return JSON.parse(outcome.payload.toString("utf8"));
}
