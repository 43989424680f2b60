import { describe, it } from "vitest";
import type { SnapshotId } from "../base/ids.ts";
import type {
  EnvironmentFilter,
  ProvisionedTarget,
  RunnableVersion,
  SnapshotOutcome,
  Worker,
} from "../ports/worker.ts";
import { SharedWorker } from "./shared-worker.ts";

const HOME = { accountId: "000000000000", region: "us-east-1" };
const ALICE = { accountId: "222222222222", region: "us-east-1" };
const AWAY = { accountId: "222222222222", region: "eu-west-1" };
const id = (text: string): SnapshotId => text as SnapshotId;
const NEVER = new AbortController().signal;

/** A worker that keeps what it is told, and has these snapshots. */
function fakeWorker(
  listed: readonly string[],
  create: () => Promise<SnapshotOutcome> = () => new Promise(() => undefined),
) {
  const told = {
    removed: [] as string[],
    swept: [] as Array<readonly string[]>,
    provisioned: [] as string[],
    stopped: [] as EnvironmentFilter[],
  };
  const worker = {
    listSnapshots: async () => listed.map((snapshotId) => ({ snapshotId: id(snapshotId), isHere: true })),
    removeSnapshot: async (snapshotId: string) => void told.removed.push(snapshotId),
    sweepSnapshots: async (named: readonly string[]) => void told.swept.push([...named].toSorted()),
    provision: async (targets: readonly ProvisionedTarget[]) =>
      void told.provisioned.push(targets.map(({ version }) => version.runKey).join(" ")),
    report: async () => ({
      environments: [HOME, ALICE, AWAY].map((scope) => ({ ...scope, environmentId: scope.region })),
    }),
    observe: async () => ({ summary: ALICE }),
    stopEnvironments: async (filter: EnvironmentFilter) => told.stopped.push(filter),
    createSnapshot: create,
  };
  return { worker: worker as unknown as Worker, told };
}

const target = (runKey: string): ProvisionedTarget => ({ version: { runKey } as RunnableVersion, count: 1 });

describe("a shared worker", () => {
  it("removes nothing that a row of any scope names", async ({ expect }) => {
    const { worker, told } = fakeWorker(["a", "b", "nobody's"]);
    const shared = new SharedWorker(worker, HOME, 2);
    shared.noteNamed(ALICE, [id("a")]);
    shared.noteNamed(HOME, [id("b")]);
    await shared.of(ALICE).sweepSnapshots([id("a")]);
    await shared.of(HOME).sweepSnapshots([id("b")]);
    expect(told.swept).toEqual([["a", "b"]]);
    const seen = async (scope: typeof HOME): Promise<readonly string[]> =>
      (await shared.of(scope).listSnapshots()).map(({ snapshotId }) => snapshotId);
    expect(await Promise.all([HOME, ALICE, AWAY].map(seen))).toEqual([["b", "nobody's"], ["a"], []]);
    await shared.of(HOME).removeSnapshot(id("a"));
    await shared.of(AWAY).removeSnapshot(id("a"));
    expect(told.removed).toEqual([]);
    await shared.of(ALICE).removeSnapshot(id("a"));
    expect(told.removed).toEqual(["a"]);
  });

  it("hides a snapshot that is being made, and makes no more at once than one scope alone might", async ({
    expect,
  }) => {
    let finish: (outcome: SnapshotOutcome) => void = () => undefined;
    let begun = 0;
    const { worker } = fakeWorker(["new"], () => {
      begun++;
      return new Promise((resolve) => (finish = resolve));
    });
    const shared = new SharedWorker(worker, HOME, 1);
    const version = {} as RunnableVersion;
    const made = shared.of(ALICE).createSnapshot(version, id("new"), NEVER);
    const next = shared.of(HOME).createSnapshot(version, id("next"), NEVER);
    expect(await shared.of(HOME).listSnapshots()).toEqual([]);
    finish({ kind: "cancelled" });
    await made;
    // What is left of one that failed is for the home's control plane to remove.
    expect(await shared.of(HOME).listSnapshots()).toHaveLength(1);
    expect(begun).toBe(2);
    finish({ kind: "cancelled" });
    await next;
  });

  it("provisions for all scopes together", async ({ expect }) => {
    const { worker, told } = fakeWorker([]);
    const shared = new SharedWorker(worker, HOME, 1);
    await shared.of(HOME).provision([target("h")]);
    await shared.of(ALICE).provision([target("a"), target("b")]);
    await shared.of(HOME).provision([]);
    expect(told.provisioned).toEqual(["h", "h a b", "a b"]);
  });

  it("shows and stops environments of the scope only", async ({ expect }) => {
    const { worker, told } = fakeWorker([]);
    const shared = new SharedWorker(worker, HOME, 1);
    const { environments } = await shared.of(AWAY).report();
    expect(environments.map(({ environmentId }) => environmentId)).toEqual(["eu-west-1"]);
    expect(await shared.of(AWAY).observe("env" as never)).toBeNull();
    expect(await shared.of(ALICE).observe("env" as never)).not.toBeNull();
    await shared.of(AWAY).stopEnvironments({ functionName: "f" });
    expect(told.stopped).toEqual([{ functionName: "f", scope: AWAY }]);
  });
});
