/** The fake engine for the engine suite, with the probe program as a function of its own. */
import { randomBytes } from "node:crypto";
import { systemClock } from "@thaw/server/testing/base";
import { createFakeSnapshots, FakeEngine, type FakeFunction, type FakeProcess } from "@thaw/server/testing/fakes";
import type { SnapshotService } from "@thaw/server/testing/snapshots";
import type { ProbeEvent } from "./probe.ts";
import type { EngineBench } from "./suite.ts";

const PROBE: FakeFunction = {
  hasHooks: false,
  init(process, state) {
    Object.assign(state, { token: randomBytes(32).toString("hex"), events: 0, files: {} });
    process.print("ready\n");
  },
  handle(process, { payload }, state) {
    state["events"] = (state["events"] as number) + 1;
    return JSON.stringify(carryOut(process, JSON.parse(payload) as ProbeEvent, state));
  },
};

function carryOut(process: FakeProcess, event: ProbeEvent, state: Record<string, unknown>): unknown {
  switch (event.op) {
    case "echo":
      return { token: state["token"], events: state["events"], value: event.value ?? null, atMs: Date.now() };
    case "eat":
      return process.runOutOfMemory();
    case "exit":
      return process.exit(event.code);
    default:
      throw new Error(`the fake can't ${event.op}`);
  }
}

export async function makeFakeBench(): Promise<EngineBench> {
  const functions = { code: PROBE };
  const engine = new FakeEngine({ functions });
  const other = new FakeEngine({ functions, fingerprint: "another", disk: engine.disk.snapshots });
  const serve = ({ images, disk }: FakeEngine): SnapshotService => {
    if (images === null) throw new Error("the fake takes snapshots");
    const onProblem = (what: string, error: unknown): void => {
      throw new Error(what, { cause: error });
    };
    return createFakeSnapshots({ images, disk, clock: systemClock, afar: null, onProblem });
  };
  return {
    engine,
    snapshots: serve(engine),
    otherHost: serve(other),
    task: "code",
    uid: 100_000,
    damage(snapshotId) {
      const found = engine.disk.snapshots.get(snapshotId);
      if (found !== undefined) engine.disk.snapshots.set(snapshotId, { ...found, dataKey: Buffer.alloc(32) });
    },
    untilBroughtAhead: async () => undefined,
    countStored: () => engine.disk.snapshots.size,
    findLeftovers: () => [...engine.live, ...other.live].map(({ environmentId }) => environmentId),
    close: () => engine.close(),
  };
}
