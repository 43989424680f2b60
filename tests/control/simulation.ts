/**
 * A server's life at random, from a seed: functions are made, published, invoked, deleted; time passes, runtimes are
 * updated, snapshots are lost, steps of the engine fail, and the server dies between any two steps outward. After each
 * move and at the end it is checked that
 *  - an Active SnapStart version has a snapshot on disk that fits, or is on its way to one;
 *  - a version is Inactive only when it was idle for long enough, or its Init failed;
 *  - a version whose capture always ends the server is given up, and none that has not seen three ends of the server;
 *  - an accepted event is carried out, or still there, or was dropped with a reason that AWS has, too;
 *  - nothing is left over: sandboxes that no environment has, snapshots that no version names.
 */
import type { OperationName } from "@thaw/aws-api";
import { existsSync } from "node:fs";
import type { Random } from "@thaw/server/testing/base";
import { LATEST, type VersionRecord } from "@thaw/server/testing/model";
import { seededRandom } from "../support/random.ts";
import { ControlHarness } from "./harness.ts";

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const IDLE_MS = 2 * HOUR_MS;
/** Between two looks at all snapshots. */
const LOOK_MS = 5 * MINUTE_MS;
const STEPS_BEFORE_CRASH_MAX = 40;
/** Ends of the server after which a snapshot or an event is given up. */
const TRIES_MAX = 3;
const GIVEN_UP = /ended three times in a row/;
/** Others do something while the store is asked. */
const STORE_TURNS_MAX = 6;

export interface SimulationReport {
  readonly seed: number;
  readonly moves: number;
  readonly crashes: number;
  readonly events: number;
  readonly snapshots: number;
  readonly expired: number;
  readonly problems: readonly string[];
}

function seeded(seed: number): Random {
  const fraction = seededRandom(seed);
  let uuids = 0;
  return {
    fraction,
    uuid: () => `uuid-${seed}-${++uuids}`,
    bytes: (count) => Buffer.from(Array.from({ length: count }, () => Math.floor(fraction() * 256))),
  };
}

interface Target {
  readonly name: string;
  readonly qualifier?: string;
}

class Simulation {
  readonly random: Random;
  readonly harness: ControlHarness;
  readonly problems: string[] = [];
  readonly names = new Set<string>();
  readonly deleted = new Set<string>();
  /** Accepted events, by request id. */
  readonly accepted = new Map<string, { readonly name: string; readonly isSure: boolean }>();
  readonly handled = new Set<string>();
  readonly lastUse = new Map<string, number>();
  readonly seenIdle = new Set<string>();
  /** Number of ends of the server before each version was there. */
  readonly endsBefore = new Map<string, number>();
  crashes = 0;
  #endsAtLastCheck = 0;
  snapshots = 0;
  #isInitBroken = false;
  #stepsToCrash: number | null = null;
  #faultChance = 0;
  #lostAtMs = -Infinity;
  #releases = 1;
  /** The runtime was not there for a while: an event may have become too old. */
  #wasAway = false;
  #count = 0;

  constructor(seed: number) {
    this.random = seeded(seed);
    const handle = (_process: unknown, invocation: { readonly requestId: string }): string => {
      this.handled.add(invocation.requestId);
      return "1";
    };
    const init = (): void => {
      if (this.#isInitBroken) throw new Error("the database is away");
    };
    this.harness = new ControlHarness({
      functions: { good: { handle }, plain: { hasHooks: false, handle }, flaky: { init, handle }, killer: { handle } },
      random: this.random,
      limits: { snapshotIdleMs: IDLE_MS },
      storeTurns: () => Math.floor(this.random.fraction() * STORE_TURNS_MAX),
      parentDir: existsSync("/dev/shm") ? "/dev/shm" : "/tmp",
      onStep: (step) => {
        if (step === "take") this.snapshots++;
        if (this.random.fraction() < this.#faultChance && step !== "destroy") throw new Error(`the fault at ${step}`);
      },
      crashesAt: (step, code) => {
        if (step === "engine take" && code === "killer") return true;
        if (this.#stepsToCrash === null || --this.#stepsToCrash > 0) return false;
        this.#stepsToCrash = null;
        return true;
      },
    });
  }

  async run(moves: number): Promise<void> {
    await this.harness.start();
    for (let move = 0; move < moves && this.problems.length === 0; move++) {
      if (this.random.fraction() < 0.3)
        this.#stepsToCrash = 1 + Math.floor(this.random.fraction() * STEPS_BEFORE_CRASH_MAX);
      this.#faultChance = this.random.fraction() < 0.1 ? 0.2 : 0;
      const what = await this.#move();
      await this.#settle();
      await this.#check(what);
    }
    await this.#finish();
    this.problems.push(...this.harness.violations);
  }

  /** Lets what is going on go on; a server that died is started again, and may die at that. */
  async #settle(): Promise<void> {
    if (!this.harness.isOver) await this.harness.advance(0);
    while (this.harness.isOver) {
      this.crashes++;
      this.harness.crash();
      if (this.random.fraction() < 0.3)
        this.#stepsToCrash = 1 + Math.floor(this.random.fraction() * STEPS_BEFORE_CRASH_MAX);
      await this.harness.start().catch(ignoreDeath);
      if (!this.harness.isOver) await this.harness.advance(0);
    }
    this.#stepsToCrash = null;
  }

  async #move(): Promise<string> {
    const dice = this.random.fraction();
    if (this.names.size === 0 || dice < 0.08) return this.#create();
    const name = this.#pick([...this.names]);
    if (dice < 0.22) return this.#call("PublishVersion", { FunctionName: name });
    if (dice < 0.27)
      return this.#call("UpdateFunctionConfiguration", {
        FunctionName: name,
        Description: `d${++this.#count}`,
        Timeout: 1 + (this.#count % 60),
      });
    if (dice < 0.52) return this.#invoke();
    if (dice < 0.65) return this.#event();
    if (dice < 0.7) return this.#deleteVersion(name);
    if (dice < 0.73) return this.#deleteFunction(name);
    if (dice < 0.79) return this.#provision();
    if (dice < 0.9) return this.#pass(this.#pick([SECOND_MS, MINUTE_MS, 10 * MINUTE_MS, HOUR_MS, 3 * HOUR_MS]));
    return this.#happen();
  }

  async #create(): Promise<string> {
    const name = `f${++this.#count}`;
    this.names.add(name);
    const snapStart = this.random.fraction() < 0.7;
    await this.harness
      .create(name, this.#pick(["good", "plain", "flaky", "good", "plain", "flaky", "killer"]), { snapStart })
      .catch(ignoreDeath);
    return `create ${name}`;
  }

  async #call(operation: OperationName, input: Record<string, unknown>): Promise<string> {
    await this.harness.call(operation, input).catch(ignoreRefusal);
    return `${operation} ${JSON.stringify(input)}`;
  }

  async #invoke(): Promise<string> {
    const wanted: Target[] = [];
    for (let count = 1 + Math.floor(this.random.fraction() * 3); count > 0; count--) wanted.push(await this.#target());
    const atMs = this.harness.clock.nowMs();
    const asked = wanted.map((target) =>
      this.harness.request(target).then(
        // What has been answered was a use.
        () => void this.lastUse.set(`${target.name}:${target.qualifier ?? LATEST}`, atMs),
        ignoreRefusal,
      ),
    );
    await this.harness.orDeath(Promise.all(asked)).catch(ignoreDeath);
    return `invoke ${JSON.stringify(wanted)}`;
  }

  async #event(): Promise<string> {
    const target = { ...(await this.#target()), type: "Event" as const, requestId: `event-${++this.#count}` };
    const isSure =
      target.qualifier === undefined &&
      (await this.#recordsOf(target.name)).some(
        (record) => record.code.codeName === "good" && record.version === LATEST,
      );
    await this.harness
      .orDeath(this.harness.request(target))
      .then(() => void this.accepted.set(target.requestId, { name: target.name, isSure }))
      .catch(ignoreRefusal);
    return `event ${JSON.stringify(target)}`;
  }

  async #deleteVersion(name: string): Promise<string> {
    const versions = (await this.#recordsOf(name)).filter((record) => record.version !== LATEST);
    if (versions.length === 0) return "nothing to delete";
    return this.#call("DeleteFunction", { FunctionName: name, Qualifier: this.#pick(versions).version });
  }

  async #provision(): Promise<string> {
    const plain = (await this.#records()).filter(
      (record) => record.version !== LATEST && record.config.snapStartApplyOn === "None",
    );
    if (plain.length === 0) return "nothing to provision";
    const { functionName, version } = this.#pick(plain);
    const target = { FunctionName: functionName, Qualifier: version };
    if (this.random.fraction() < 0.3) return this.#call("DeleteProvisionedConcurrencyConfig", target);
    return this.#call("PutProvisionedConcurrencyConfig", {
      ...target,
      ProvisionedConcurrentExecutions: 1 + Math.floor(this.random.fraction() * 3),
    });
  }

  async #deleteFunction(name: string): Promise<string> {
    const told = await this.#call("DeleteFunction", { FunctionName: name });
    this.names.delete(name);
    this.deleted.add(name);
    return told;
  }

  async #pass(ms: number): Promise<string> {
    await this.harness.advance(ms);
    return `${ms} ms pass`;
  }

  /** Things that happen to a host. */
  async #happen(): Promise<string> {
    const { harness } = this;
    const what = this.#pick(["update", "replace", "away", "engine", "lost", "init", "restart"] as const);
    if (what === "update") harness.releases = [`release-${++this.#releases}`, ...harness.releases.slice(0, 1)];
    else if (what === "replace") harness.releases = [`release-${++this.#releases}`];
    else if (what === "away") {
      this.#wasAway = true;
      const releases = harness.releases;
      harness.releases = [];
      if (this.random.fraction() < 0.5) await harness.restart().catch(ignoreDeath);
      if (!harness.isOver) await this.#pass(this.#pick([SECOND_MS, 10 * MINUTE_MS, HOUR_MS]));
      harness.releases = releases;
      // What was lost is noticed, and can be made anew, only from here on.
      this.#lostAtMs = harness.clock.nowMs();
    } else if (what === "init") this.#isInitBroken = !this.#isInitBroken;
    else if (what === "lost") {
      const gone = this.#pick([...harness.disk.keys(), undefined]);
      if (gone !== undefined) harness.disk.delete(gone);
      this.#lostAtMs = harness.clock.nowMs();
    } else if (what === "engine") {
      this.crashes++;
      harness.crash();
      harness.engineFingerprint = `engine-${++this.#releases}`;
      await harness.start().catch(ignoreDeath);
    } else await harness.restart().catch(ignoreDeath);
    return `happens: ${what}`;
  }

  async #check(what: string): Promise<void> {
    const { harness } = this;
    const nowMs = harness.clock.nowMs();
    for (const record of await this.#records()) {
      if (record.version === LATEST || record.config.snapStartApplyOn === "None") continue;
      const fault = this.#faultOf(record, nowMs);
      if (fault !== null) this.problems.push(`after ${what}: ${record.functionName}:${record.version} ${fault}`);
      const key = `${record.functionName}:${record.version}`;
      if (!this.endsBefore.has(key)) this.endsBefore.set(key, this.#endsAtLastCheck);
    }
    this.#endsAtLastCheck = this.crashes;
    const listed = (await harness.life.worker.report()).environments.length;
    if (harness.life.engine.live.size > listed)
      this.problems.push(`after ${what}: ${harness.life.engine.live.size} sandboxes for ${listed} environments`);
    this.problems.push(...harness.life.engine.violations);
  }

  #faultOf(record: VersionRecord, nowMs: number): string | null {
    const key = `${record.functionName}:${record.version}`;
    if (record.state === "Active") {
      this.seenIdle.delete(key);
      if (record.snapshotId === null || record.snapshotFacts === null) return "is Active without a snapshot";
      if (!this.harness.disk.has(record.snapshotId) && nowMs - this.#lostAtMs > LOOK_MS + MINUTE_MS)
        return "is Active and its snapshot is not there";
    }
    if (record.state === "Failed" && GIVEN_UP.test(record.stateReason ?? "")) {
      const ends = this.crashes - (this.endsBefore.get(key) ?? this.#endsAtLastCheck);
      if (ends < TRIES_MAX) return `is given up after ${ends} ends of the server`;
    }
    if (record.state === "Pending" && this.#statusOf(record) === null) return "is Pending and nothing is under way";
    if (record.state === "Inactive" && record.stateReasonCode === "Idle" && !this.seenIdle.has(key)) {
      this.seenIdle.add(key);
      const idleMs = nowMs - (this.lastUse.get(key) ?? -Infinity);
      if (idleMs < IDLE_MS) return `is idle after ${idleMs} ms`;
    }
    return null;
  }

  /** After the host is well again for a while, everything is in order and nothing is left over. */
  async #finish(): Promise<void> {
    if (this.problems.length > 0) return this.harness.end().catch(() => undefined);
    this.#isInitBroken = false;
    this.#faultChance = 0;
    this.#stepsToCrash = null;
    for (const record of await this.#records()) {
      if (record.version !== LATEST)
        await this.harness.invoke(record.functionName, record.version).catch(ignoreRefusal);
    }
    await this.#provisionAnew();
    await this.#passAlive(20 * MINUTE_MS);
    await this.#check("the end");
    for (const record of await this.#records()) {
      if (record.state === "Pending")
        this.problems.push(`${record.functionName}:${record.version} is Pending at the end`);
      if (record.state === "Active" && record.snapshotId !== null && !this.harness.disk.has(record.snapshotId))
        this.problems.push(`${record.functionName}:${record.version} has lost its snapshot for good`);
    }
    const named = new Set((await this.#records()).map((record) => record.snapshotId));
    for (const snapshotId of this.harness.disk.keys())
      if (!named.has(snapshotId)) this.problems.push(`${snapshotId} is left over`);
    await this.#checkProvisioned();
    await this.#checkEvents();
    await this.harness.end().catch((error: Error) => this.problems.push(error.message));
  }

  /** Lets time pass until so much of it has passed in one life: a suspect whose turn comes may still end the server. */
  async #passAlive(ms: number): Promise<void> {
    for (let lives = 0; lives < 20; lives++) {
      await this.harness.advance(ms);
      if (!this.harness.isOver) return;
      await this.#settle();
    }
    this.problems.push("no life of the server lasts");
  }

  /** Puts anew what was given up, as an operator would: the server may have died three times beside it. */
  async #provisionAnew(): Promise<void> {
    for (const { kind, functionName, key, tries } of await this.harness.life.store.listUnfinished()) {
      if (kind !== "provisioned" || tries < TRIES_MAX) continue;
      const target = { FunctionName: functionName, Qualifier: key };
      const wanted = await this.harness.life.store.getProvisioned(functionName, key);
      if (wanted === null) continue;
      await this.#call("PutProvisionedConcurrencyConfig", {
        ...target,
        ProvisionedConcurrentExecutions: wanted.requested,
      });
    }
  }

  async #checkProvisioned(): Promise<void> {
    const summaries = await this.harness.control.provisioned.summaries();
    for (const { functionName, qualifier, requested, available, allocated } of summaries) {
      if (available !== requested || allocated !== requested) {
        this.problems.push(
          `${functionName}:${qualifier} has ${available} of ${requested} provisioned environments, ${allocated} allocated`,
        );
      }
    }
    const wanted = summaries.reduce((sum, each) => sum + each.requested, 0);
    const idle = (await this.harness.life.worker.report()).environments.length;
    // Those on demand have been idle for long enough to be gone.
    if (idle !== wanted) this.problems.push(`${idle} environments are left, ${wanted} are wanted`);
  }

  async #checkEvents(): Promise<void> {
    await this.harness.advance(7 * HOUR_MS);
    const events = await this.harness.life.store.listEvents(Number.MAX_SAFE_INTEGER, 1000);
    const left = events.map((event) => event.requestId);
    if (left.length > 0) this.problems.push(`events are left in the queue: ${left.join(", ")}`);
    for (const [requestId, { name, isSure }] of this.accepted) {
      if (this.handled.has(requestId) || this.deleted.has(name)) continue;
      const dropped = this.harness.problems.find((problem) => problem.startsWith(`event ${requestId} of`));
      if (dropped === undefined) this.problems.push(`${requestId} of ${name} is lost`);
      else if (GIVEN_UP.test(dropped) && this.crashes >= TRIES_MAX) continue;
      else if (isSure && !this.#wasAway) this.problems.push(`${requestId} of a good function was dropped: ${dropped}`);
    }
  }

  async #target(): Promise<Target> {
    const record = this.#pick([...(await this.#records()), undefined]);
    if (record === undefined) return { name: this.#pick([...this.names, "f0"]) };
    return record.version === LATEST
      ? { name: record.functionName }
      : { name: record.functionName, qualifier: record.version };
  }

  #records(): Promise<readonly VersionRecord[]> {
    return this.harness.life.store.listAllVersions();
  }

  async #recordsOf(name: string): Promise<readonly VersionRecord[]> {
    return (await this.#records()).filter((record) => record.functionName === name);
  }

  #statusOf(record: VersionRecord): string | null {
    return this.harness.control.snapshots.progressOf(record);
  }

  #pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.random.fraction() * items.length)] as T;
  }
}

/** The server died, which is what the simulation is for. Anything else is a fault of it. */
function ignoreDeath(error: unknown): void {
  if ((error as Error).name !== "Dead") throw error;
}

/** It died, or refused in AWS's terms. */
function ignoreRefusal(error: unknown): void {
  const { name } = error as Error;
  if (name !== "Dead" && !name.endsWith("Exception")) throw error;
}

export async function simulate(seed: number, moves = 60): Promise<SimulationReport> {
  const simulation = new Simulation(seed);
  try {
    await simulation.run(moves);
  } catch (error) {
    simulation.problems.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
    await simulation.harness.end().catch(() => undefined);
  }
  const { crashes, snapshots, problems } = simulation;
  return {
    seed,
    moves,
    crashes,
    events: simulation.accepted.size,
    snapshots,
    expired: simulation.seenIdle.size,
    problems,
  };
}
