import { it } from "vitest";
import { checkRunning, type RunningServer } from "./running-server.ts";

const FINE: RunningServer = {
  engine: "criu",
  snapshotsProblem: null,
  criuVersion: "4.2.1",
  hasNetwork: true,
  network: { rulesRestored: 0, problem: null, denied: [], hostPorts: [], serviceCallers: [] },
  companion: null,
  tmpQuota: "loop",
  runtimes: ["java21"],
  limits: {
    environmentsMax: 100,
    memoryMaxMib: 16_384,
    memoryCount: "used",
    tmpMaxMib: 10_000,
    preparedMemoryMib: 512,
    poolSize: 3,
  },
  inUse: { environments: 2, memoryMib: 300, tmpMib: 1024, snapshots: 1 },
  disk: { freeBytes: 50 * 1024 ** 3, sizeBytes: 100 * 1024 ** 3 },
  server: { uptimeS: 10, residentBytes: 100 * 1024 ** 2 },
};

const bad = (changed: Partial<RunningServer>): readonly string[] =>
  checkRunning({ ...FINE, ...changed })
    .filter(({ level }) => level !== "ok")
    .map(({ what, remedy }) => `${what}: ${remedy !== undefined}`);

it("finds nothing where all is well, and names each lack with its cure", ({ expect }) => {
  expect(bad({})).toEqual([]);
  expect(bad({ snapshotsProblem: "no CRIU" })).toEqual(["engine: true"]);
  expect(bad({ inUse: { ...FINE.inUse, environments: 95 } })).toEqual(["limits: true"]);
  expect(bad({ inUse: { ...FINE.inUse, memoryMib: 16_000 } })).toEqual(["limits: true"]);
  expect(bad({ inUse: { ...FINE.inUse, tmpMib: 9500 } })).toEqual(["limits: true"]);
  expect(bad({ disk: { freeBytes: 1, sizeBytes: 2 } })).toEqual(["disk: true"]);
  expect(bad({ hasNetwork: false })).toEqual(["network: true"]);
  expect(bad({ network: { ...FINE.network, problem: "nft failed" } })).toEqual(["network: true"]);
  expect(bad({ network: { ...FINE.network, rulesRestored: 1 } })).toEqual(["network: true"]);
  const companion = { name: "moto", address: "127.0.0.1:5000", services: ["sqs"], uptimeS: 4 };
  expect(bad({ companion })).toEqual([]);
  expect(bad({ companion: { ...companion, uptimeS: null } })).toEqual(["companion: true"]);
  expect(bad({ limits: { ...FINE.limits, poolSize: 0 } })).toEqual(["pool: true"]);
});

it("says which functions may call services", ({ expect }) => {
  const network = { ...FINE.network, serviceCallers: ["shop-*", "orders"] };
  const details = checkRunning({ ...FINE, network }).map(({ detail }) => detail);
  expect(details).toContain("sandboxes reach the outside; shop-*, orders may call the services here");
});
