import fc from "fast-check";
import { describe, it } from "vitest";
import type { EnvironmentId } from "../../base/ids.ts";
import type { EnvironmentView } from "../environment/view.ts";
import type { HostLimits } from "../worker-services.ts";
import { chooseEvictions, chooseSurplus, placeInvoke, type PlacementRequest } from "./placement.ts";

fc.configureGlobal({ seed: 1 });

const LIMITS: HostLimits = {
  environmentsMax: 4,
  memoryMaxMib: 4000,
  countsUsedMemory: false,
  tmpMaxMib: () => 10_000,
  functionShareMax: 1,
};
const REQUEST: PlacementRequest = {
  accountId: "a",
  functionKey: "f",
  runKey: "f-1",
  memorySizeMib: 100,
  tmpSizeMib: 512,
  waiting: 0,
  mayWait: true,
};

let count = 0;

function view(changes: Partial<EnvironmentView> = {}): EnvironmentView {
  return {
    environmentId: `env-${++count}` as EnvironmentId,
    accountId: "a",
    functionKey: "f",
    runKey: "f-1",
    memoryMib: 100,
    tmpSizeMib: 512,
    isProvisioned: false,
    availability: "idle",
    idleOrder: 0,
    ...changes,
  };
}

function reuse(environment: EnvironmentView): unknown {
  return { kind: "reuse", environmentId: environment.environmentId };
}

describe("placeInvoke", () => {
  it("takes the environment that became idle last, a provisioned one before all others", ({ expect }) => {
    const [old, young] = [view({ idleOrder: 1 }), view({ idleOrder: 2 })];
    expect(placeInvoke([old, young], REQUEST, LIMITS)).toEqual(reuse(young));
    const provisioned = view({ idleOrder: 0, isProvisioned: true });
    expect(placeInvoke([old, young, provisioned], REQUEST, LIMITS)).toEqual(reuse(provisioned));
  });

  it("never takes one of another run key", ({ expect }) => {
    expect(placeInvoke([view({ runKey: "f-2" })], REQUEST, LIMITS)).toEqual({ kind: "create", evict: [] });
  });

  it("waits for one that is about to be idle, once, and for each only one", ({ expect }) => {
    const finishing = [view({ availability: "finishing" })];
    expect(placeInvoke(finishing, REQUEST, LIMITS)).toEqual({ kind: "wait" });
    expect(placeInvoke(finishing, { ...REQUEST, waiting: 1 }, LIMITS).kind).toBe("create");
    expect(placeInvoke(finishing, { ...REQUEST, mayWait: false }, LIMITS).kind).toBe("create");
  });

  it("takes a parked clone before it makes a new one, and an idle environment before that", ({ expect }) => {
    const [parked, idle] = [view({ availability: "parked" }), view()];
    expect(placeInvoke([parked], REQUEST, LIMITS)).toEqual(reuse(parked));
    expect(placeInvoke([parked, idle], REQUEST, LIMITS)).toEqual(reuse(idle));
  });

  it("throttles where there is no room, and what has its share of the host", ({ expect }) => {
    const busy = Array.from({ length: 4 }, () => view({ availability: "busy", runKey: "g-1", functionKey: "g" }));
    expect(placeInvoke(busy, REQUEST, LIMITS)).toEqual({ kind: "throttle" });
    const own = [view({ availability: "busy" }), view({ availability: "busy" })];
    expect(placeInvoke(own, REQUEST, { ...LIMITS, functionShareMax: 0.5 })).toEqual({ kind: "throttle" });
    expect(placeInvoke(own, REQUEST, LIMITS).kind).toBe("create");
    // The first environment of a function is no question of shares.
    expect(placeInvoke(busy.slice(0, 3), REQUEST, { ...LIMITS, functionShareMax: 0.5 }).kind).toBe("create");
  });
});

describe("chooseEvictions", () => {
  it("sends parked clones away first, then those that have been idle longest, never busy or provisioned ones", ({
    expect,
  }) => {
    const parked = view({ availability: "parked" });
    const [old, young] = [view({ idleOrder: 1 }), view({ idleOrder: 2 })];
    const others = [view({ availability: "busy" }), view({ isProvisioned: true })];
    const limits = { ...LIMITS, environmentsMax: 5 };
    const ids = (views: readonly EnvironmentView[]): readonly string[] => views.map((each) => each.environmentId);
    expect(chooseEvictions([young, parked, old, ...others], REQUEST, limits)).toEqual(ids([parked]));
    expect(chooseEvictions([young, parked, old, ...others], REQUEST, { ...limits, environmentsMax: 4 })).toEqual(
      ids([parked, old]),
    );
    expect(chooseEvictions([young, parked, old, ...others], REQUEST, { ...limits, environmentsMax: 2 })).toBeNull();
  });

  it("leaves an account its equal part: its own environments, and those of who has more, go first", ({ expect }) => {
    const small = view({ accountId: "b", idleOrder: 1 });
    const large = [2, 3, 4].map((idleOrder) => view({ accountId: "c", idleOrder }));
    const all = [small, ...large];
    const evicted = (accountId: string, environmentsMax: number): unknown =>
      chooseEvictions(all, { ...REQUEST, accountId }, { ...LIMITS, environmentsMax });
    const ids = all.map(({ environmentId }) => environmentId);
    expect(evicted("a", 4)).toEqual([ids[1]]);
    expect(evicted("c", 4)).toEqual([ids[1]]);
    expect(evicted("b", 4)).toEqual([ids[0]]);
    // Once both have alike, the older one goes.
    expect(evicted("a", 2)).toEqual([ids[1], ids[2], ids[0]]);
    expect(chooseSurplus(all, { ...LIMITS, memoryMaxMib: 399 })).toEqual([ids[1]]);
  });

  it("always makes room, or says that there is none", ({ expect }) => {
    const views = fc.array(
      fc.record({
        accountId: fc.constantFrom("a", "b", "c"),
        availability: fc.constantFrom("idle", "parked", "finishing", "busy"),
        memoryMib: fc.integer({ min: 1, max: 2000 }),
        tmpSizeMib: fc.integer({ min: 512, max: 4000 }),
        idleOrder: fc.nat(100),
        isProvisioned: fc.boolean(),
      }),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(views, fc.integer({ min: 1, max: 4000 }), (changes, memorySizeMib) => {
        const all = changes.map((each) => view(each as Partial<EnvironmentView>));
        const evict = chooseEvictions(all, { accountId: "a", memorySizeMib, tmpSizeMib: 512 }, LIMITS);
        const fits = (kept: readonly EnvironmentView[]): boolean =>
          kept.length < LIMITS.environmentsMax &&
          kept.reduce((sum, each) => sum + each.memoryMib, memorySizeMib) <= LIMITS.memoryMaxMib &&
          kept.reduce((sum, each) => sum + each.tmpSizeMib, 512) <= LIMITS.tmpMaxMib();
        const mayGo = (each: EnvironmentView): boolean =>
          each.availability === "parked" || (each.availability === "idle" && !each.isProvisioned);
        if (evict === null) expect(fits(all.filter((each) => !mayGo(each)))).toBe(false);
        else {
          expect(fits(all.filter((each) => !evict.includes(each.environmentId)))).toBe(true);
          expect(all.filter((each) => evict.includes(each.environmentId)).every(mayGo)).toBe(true);
        }
      }),
    );
  });
});

describe("what environments may fill", () => {
  it("has a sum that is never promised twice", ({ expect }) => {
    const [idle, busy] = [view({ tmpSizeMib: 4000 }), view({ availability: "busy", tmpSizeMib: 4000 })];
    const wanted = { ...REQUEST, tmpSizeMib: 4000 };
    expect(chooseEvictions([busy], wanted, LIMITS)).toEqual([]);
    expect(chooseEvictions([idle, busy], wanted, LIMITS)).toEqual([idle.environmentId]);
    expect(chooseEvictions([busy, busy], wanted, LIMITS)).toBeNull();
    expect(chooseEvictions([busy], wanted, { ...LIMITS, tmpMaxMib: () => 7999 })).toBeNull();
  });

  it("makes idle ones leave where it has grown over what was counted", ({ expect }) => {
    const [old, young] = [view({ idleOrder: 1, memoryMib: 900 }), view({ idleOrder: 2, memoryMib: 900 })];
    const busy = view({ availability: "busy", memoryMib: 3000 });
    expect(chooseSurplus([young, old], LIMITS)).toEqual([]);
    expect(chooseSurplus([young, old, busy], LIMITS)).toEqual([old.environmentId]);
    expect(chooseSurplus([busy, busy, young], LIMITS)).toEqual([young.environmentId]);
  });
});
