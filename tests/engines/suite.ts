/**
 * One suite for every engine behind ports/engine.ts, with the snapshots that snapshots/ makes on it. An engine that
 * can't do something leaves that test out by its name, with the reason.
 */
import { afterAll, afterEach, beforeAll, describe, type ExpectStatic, it } from "vitest";
import { newEnvironmentId, newSnapshotId, type SnapshotId } from "@thaw/server/testing/base";
import type { Engine, SandboxSpec, SnapshotInfo } from "@thaw/server/testing/ports";
import type { SnapshotService } from "@thaw/server/testing/snapshots";
import { type Echo, Probe } from "./probe.ts";

const OWNER = { accountId: "000000000000", kmsKeyArn: null };
const CLONES = 6;
const MEMORY_MIB = 512;
/** 512 MiB are 0.29 of a processor: this much work takes more than three times as long. */
const WORK_S = 0.3;
const SLOWER = 2.5;

export interface EngineBench {
  readonly engine: Engine;
  /** Null where the engine saves nothing. */
  readonly snapshots: SnapshotService | null;
  /** The same disk on a host with other facts: another fingerprint. */
  readonly otherHost: SnapshotService | null;
  /** Names the unpacked code: the probe program. */
  readonly task: string;
  readonly uid: number;
  /** Changes a file of the snapshot. */
  damage(snapshotId: SnapshotId): void;
  /** Resolves when all of a clone's working set has been brought. Nothing is recorded. */
  untilBroughtAhead(environmentId: SandboxSpec["environmentId"]): Promise<void>;
  /** Files of snapshots on the disk. */
  countStored(): number;
  /** Anything of a sandbox that is still on the machine. */
  findLeftovers(): readonly string[];
  close(): Promise<void>;
}

export interface EngineSuite {
  readonly name: string;
  readonly make: () => Promise<EngineBench>;
  /** Reasons by the name of the test that is left out. */
  readonly skip: Readonly<Partial<Record<TestName, string>>>;
}

class Run {
  readonly bench: EngineBench;
  readonly expect: ExpectStatic;
  readonly #probes: Probe[] = [];

  constructor(bench: EngineBench, expect: ExpectStatic) {
    this.bench = bench;
    this.expect = expect;
  }

  get snapshots(): SnapshotService {
    const { snapshots } = this.bench;
    if (snapshots === null) throw new Error("the engine saves nothing: its tests of snapshots have to be skipped");
    return snapshots;
  }

  spec(changes: Partial<SandboxSpec> = {}): SandboxSpec {
    const { task, uid } = this.bench;
    const names = { root: "host", lang: null, client: "provided", task, opt: null };
    const limits = {
      memorySizeMib: MEMORY_MIB,
      tmpSizeMib: 512,
      fileSystems: [],
      hostPorts: [],
      callsServices: false,
      recordsSent: false,
    };
    return { environmentId: newEnvironmentId(), ...names, ...limits, uid, ...changes };
  }

  /** Makes a sandbox whose program runs. */
  async start(changes: Partial<SandboxSpec> = {}): Promise<Probe> {
    const probe = this.#kept(new Probe(await this.bench.engine.create(this.spec(changes))));
    await probe.sandbox.link.spawn({
      name: "runtime",
      argv: ["/var/task/bootstrap"],
      env: { AWS_LAMBDA_RUNTIME_API: "127.0.0.1:9001", PATH: "/usr/bin:/bin" },
      cwd: "/var/task",
    });
    await probe.idle();
    return probe;
  }

  /** Takes a snapshot of a program that waits for its first event. */
  async take(before?: (probe: Probe) => Promise<unknown>): Promise<SnapshotInfo> {
    const probe = await this.start();
    await before?.(probe);
    await probe.idle();
    return this.snapshots.take(probe.sandbox, newSnapshotId(), OWNER);
  }

  async restore({ snapshotId, key }: SnapshotInfo): Promise<Probe> {
    return this.#kept(new Probe(await this.snapshots.restore(this.spec(), snapshotId, key)));
  }

  /** Restores so many at once. */
  restoreAll(taken: SnapshotInfo, count: number): Promise<Probe[]> {
    return Promise.all(Array.from({ length: count }, () => this.restore(taken)));
  }

  async end(): Promise<void> {
    await Promise.all(this.#probes.splice(0).map((probe) => probe.sandbox.destroy()));
  }

  #kept(probe: Probe): Probe {
    this.#probes.push(probe);
    return probe;
  }
}

type EngineTest = (run: Run) => Promise<void>;

const SANDBOXES = {
  "a runtime speaks the Runtime API through the link": async (run) => {
    const probe = await run.start();
    const first = await probe.echo("one");
    run.expect(first).toMatchObject({ events: 1, value: "one" });
    run.expect(await probe.echo("two")).toMatchObject({ events: 2, value: "two", token: first.token });
    run.expect(probe.output).toContain("ready");
    run.expect(probe.sandbox.phases.length).toBeGreaterThan(0);
  },
  "a program that is not there is refused by the errno's name": async (run) => {
    const sandbox = await run.bench.engine.create(run.spec());
    const request = { name: "runtime", argv: ["/var/task/none"], env: {}, cwd: "/" };
    await run.expect(sandbox.link.spawn(request)).rejects.toMatchObject({ code: "ENOENT" });
    await sandbox.destroy();
  },
  "a frozen sandbox does nothing until it is thawed": async (run) => {
    const [frozen, other] = [await run.start(), await run.start()];
    await frozen.idle();
    await frozen.sandbox.freeze();
    await frozen.send({ op: "echo" });
    // A clock that needs no sleep: another one works meanwhile.
    for (let n = 0; n < 20; n++) await other.echo();
    const thawedMs = Date.now();
    await frozen.sandbox.thaw();
    const { atMs, events } = (await frozen.answer()) as Echo;
    run.expect(atMs).toBeGreaterThanOrEqual(thawedMs);
    run.expect(events).toBe(1);
  },
  "without a boost it has its share of the processor": async (run) => {
    const probe = await run.start();
    await probe.sandbox.boost(false);
    const { wallS } = (await probe.ask({ op: "burn", cpuS: WORK_S })) as { readonly wallS: number };
    run.expect(wallS).toBeGreaterThan(WORK_S * SLOWER);
    await probe.sandbox.boost(true);
    run.expect((await probe.echo()).events).toBe(2);
  },
  "its memory is counted": async (run) => {
    const { sandbox } = await run.start();
    const usage = await sandbox.usage({ reset: true });
    run.expect(usage.memoryBytes).toBeGreaterThan(0);
    run.expect(usage.memoryMaxBytes).toBeGreaterThanOrEqual(usage.memoryBytes);
    run.expect(usage.oomKills).toBe(0);
  },
  "its processes are observed": async (run) => {
    const { sandbox } = await run.start();
    const { processes, peers } = await sandbox.observe();
    run.expect(processes.map(({ threads }) => threads)).toContain(1);
    run.expect(peers).toEqual([]);
  },
  "an exit is told with its code": async (run) => {
    const probe = await run.start();
    await probe.send({ op: "exit", code: 7 });
    await probe.until("an exit", () => probe.exits.length > 0);
    run.expect(probe.exits).toMatchObject([{ name: "runtime", code: 7, signal: null }]);
  },
  "a process that is out of memory is killed, and counted": async (run) => {
    const probe = await run.start({ memorySizeMib: 128 });
    await probe.send({ op: "eat" });
    await probe.until("an exit", () => probe.exits.length > 0);
    run.expect(probe.exits).toMatchObject([{ name: "runtime", code: null, signal: 9 }]);
    run.expect((await probe.sandbox.usage()).oomKills).toBeGreaterThan(0);
  },
  "a signal ends the process": async (run) => {
    const probe = await run.start();
    probe.sandbox.link.signal("runtime", 15);
    await probe.until("an exit", () => probe.exits.length > 0);
    run.expect(probe.exits).toMatchObject([{ code: null, signal: 15 }]);
  },
  "it may be destroyed twice, and frozen; nothing is left": async (run) => {
    const { sandbox } = await run.start();
    await sandbox.freeze();
    await Promise.all([sandbox.destroy(), sandbox.destroy()]);
    await sandbox.destroy();
    await sandbox.gone;
    run.expect(run.bench.findLeftovers()).toEqual([]);
  },
} satisfies Record<string, EngineTest>;

const SNAPSHOTS = {
  "a snapshot ends its sandbox, and many clones go on from it": async (run) => {
    let original: Echo | null = null;
    const taken = await run.take(async (probe) => {
      original = await probe.echo("before");
    });
    run.expect(run.bench.findLeftovers()).toEqual([]);
    run.expect(taken.memoryBytes).toBeGreaterThan(0);
    const clones = await run.restoreAll(taken, CLONES);
    const echoes = await Promise.all(clones.map((clone, index) => clone.echo(String(index))));
    const { token } = original ?? { token: "" };
    run
      .expect(echoes.map((each) => [each.token, each.events, each.value]))
      .toEqual(clones.map((_clone, index) => [token, 2, String(index)]));
    // Each has memory of its own.
    run.expect((await clones[0]?.echo())?.events).toBe(3);
    run.expect((await clones[1]?.echo())?.events).toBe(3);
  },
  "a call that was parked is presented once to each clone, and answered once": async (run) => {
    const taken = await run.take();
    for (const clone of await run.restoreAll(taken, 2)) {
      const call = await clone.send({ op: "echo", value: "first" });
      // A second answer of the same call does nothing.
      call.respond(200, {}, JSON.stringify({ op: "echo", value: "second" }));
      run.expect(await clone.answer()).toMatchObject({ events: 1, value: "first" });
      await clone.idle();
      run.expect(clone.calls).toEqual(["GET next", "POST response", "GET next"]);
      run.expect(await clone.echo("third")).toMatchObject({ events: 2, value: "third" });
      run.expect(clone.sandbox.link.processes.map(({ name }) => name)).toEqual(["runtime"]);
    }
  },
  "a clone has the files of /tmp, and changes only its own": async (run) => {
    const taken = await run.take((probe) => probe.ask({ op: "write", name: "file", text: "old" }));
    const [one, two] = [await run.restore(taken), await run.restore(taken)];
    await one.ask({ op: "write", name: "file", text: "new" });
    run.expect(await one.ask({ op: "read", name: "file" })).toBe("new");
    run.expect(await two.ask({ op: "read", name: "file" })).toBe("old");
  },
  "a clone has an identity of its own": async (run) => {
    let before: unknown = null;
    const taken = await run.take(async (probe) => {
      before = await probe.ask({ op: "identity" });
    });
    const clones = await run.restoreAll(taken, 2);
    const seen = [
      before,
      ...(await Promise.all(clones.map((clone) => clone.ask({ op: "identity" })))),
    ] as ReadonlyArray<{
      readonly bootId: string;
      readonly machineId: string;
    }>;
    run.expect(new Set(seen.map(({ bootId }) => bootId)).size).toBe(3);
    run.expect(new Set(seen.map(({ machineId }) => machineId)).size).toBe(3);
  },
  "a clone can be taken a snapshot of": async (run) => {
    const first = await run.take();
    const clone = await run.restore(first);
    const { token } = await clone.echo();
    await clone.idle();
    const second = await run.snapshots.take(clone.sandbox, newSnapshotId(), OWNER);
    run.expect(await (await run.restore(second)).echo()).toMatchObject({ token, events: 2 });
  },
  "a damaged snapshot is refused": async (run) => {
    const taken = await run.take();
    run.bench.damage(taken.snapshotId);
    await run.expect(run.restore(taken)).rejects.toMatchObject({ code: "SANDBOX_SNAPSHOT_DAMAGED" });
    run.expect(run.bench.findLeftovers()).toEqual([]);
  },
  "a snapshot with another fingerprint is refused": async (run) => {
    const taken = await run.take();
    const { otherHost } = run.bench;
    run.expect(otherHost?.fingerprint).not.toBe(run.snapshots.fingerprint);
    const restoring = otherHost?.restore(run.spec(), taken.snapshotId, taken.key);
    await run.expect(restoring).rejects.toMatchObject({ code: "SANDBOX_RESTORE_FAILED" });
    run.expect(run.bench.findLeftovers()).toEqual([]);
  },
  "the key of another snapshot opens none": async (run) => {
    const [one, two] = [await run.take(), await run.take()];
    await run.expect(run.restore({ ...one, key: two.key })).rejects.toMatchObject({ code: "KMS_INVALID_STATE" });
  },
  "another user's snapshot is refused": async (run) => {
    const { snapshotId, key } = await run.take();
    const spec = run.spec({ uid: run.bench.uid + 1 });
    await run
      .expect(run.snapshots.restore(spec, snapshotId, key))
      .rejects.toMatchObject({ code: "SANDBOX_BAD_REQUEST" });
  },
  "the working set is recorded, and brought ahead": async (run) => {
    const taken = await run.take();
    const respond = async (clone: Probe): Promise<{ readonly pages: number; readonly prefetchedPages: number }> => {
      await clone.echo();
      const recorded = await run.snapshots.responded(clone.sandbox, taken.snapshotId, taken.key, OWNER);
      run.expect(recorded.isMerged).toBe(true);
      return recorded;
    };
    run.expect((await respond(await run.restore(taken))).pages).toBeGreaterThan(0);
    const second = await run.restore(taken);
    // Before the program touches them: faults may be faster than what is brought ahead.
    await run.bench.untilBroughtAhead(second.sandbox.environmentId);
    run.expect((await respond(second)).prefetchedPages).toBeGreaterThan(0);
  },
  "memory is searched, and only counts are told": async (run) => {
    let token = "";
    const { snapshotId, key } = await run.take(async (probe) => {
      ({ token } = await probe.echo());
    });
    const needles = [Buffer.from(token), Buffer.from("never a part of it")];
    const found = await run.snapshots.search(snapshotId, key, needles);
    run.expect(found.needles[0]).toBeGreaterThan(0);
    run.expect(found.needles[1]).toBe(0);
    run.expect(JSON.stringify(found)).not.toContain(token);
  },
  "a removed snapshot is gone, with all that it stored": async (run) => {
    await run.snapshots.sweep(new Set());
    run.expect(run.bench.countStored()).toBe(0);
    const taken = await run.take();
    run.expect(run.bench.countStored()).toBeGreaterThan(0);
    await run.snapshots.remove(taken.snapshotId);
    await run.snapshots.remove(taken.snapshotId);
    run.expect(await run.snapshots.list()).toEqual([]);
    run.expect(run.bench.countStored()).toBe(0);
    await run.expect(run.restore(taken)).rejects.toMatchObject({ code: "SANDBOX_UNKNOWN" });
  },
  "a clone goes on when its snapshot is removed": async (run) => {
    const taken = await run.take();
    const clone = await run.restore(taken);
    await run.snapshots.remove(taken.snapshotId);
    run.expect((await clone.echo()).events).toBe(1);
  },
  "the sweep leaves what is named": async (run) => {
    const [kept, swept] = [await run.take(), await run.take()];
    const ids = async (): Promise<readonly SnapshotId[]> => (await run.snapshots.list()).map((each) => each.snapshotId);
    run.expect(await ids()).toEqual(run.expect.arrayContaining([kept.snapshotId, swept.snapshotId]));
    await run.snapshots.sweep(new Set([kept.snapshotId]));
    run.expect(await run.snapshots.list()).toEqual([{ snapshotId: kept.snapshotId, isHere: true }]);
    run.expect((await (await run.restore(kept)).echo()).events).toBe(1);
  },
} satisfies Record<string, EngineTest>;

const TESTS: Readonly<Record<TestName, EngineTest>> = { ...SANDBOXES, ...SNAPSHOTS };

export type SnapshotTestName = keyof typeof SNAPSHOTS;
export type TestName = keyof typeof SANDBOXES | SnapshotTestName;

/** Names one reason for all tests of snapshots. */
export function skipSnapshots(reason: string): Readonly<Record<SnapshotTestName, string>> {
  return Object.fromEntries(Object.keys(SNAPSHOTS).map((name) => [name, reason])) as Record<SnapshotTestName, string>;
}

/** Throws when a test is left out that does not exist, or without a reason. */
export function checkSkips(skip: Readonly<Record<string, string | undefined>>): void {
  for (const [name, reason] of Object.entries(skip)) {
    if (!Object.hasOwn(TESTS, name)) throw new Error(`there is no test "${name}" that could be skipped`);
    if (reason === undefined || reason.trim() === "") throw new Error(`"${name}" is skipped without a reason`);
  }
}

export function engineSuite({ name, make, skip }: EngineSuite): void {
  checkSkips(skip);
  describe(`engine ${name}`, () => {
    let bench: EngineBench;
    let run: Run | null = null;

    beforeAll(async () => {
      bench = await make();
    });
    afterEach(async () => {
      await run?.end();
      run = null;
    });
    afterAll(() => bench?.close());

    for (const [title, test] of Object.entries(TESTS)) {
      const reason = skip[title as TestName];
      it.skipIf(reason !== undefined)(
        reason === undefined ? title : `${title} (skipped: ${reason})`,
        async ({ expect }) => {
          run = new Run(bench, expect);
          await test(run);
        },
      );
    }
  });
}
