/** The machine over templates, updates, failures, cancels and crashes that chance chooses. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { FAKE_TYPES, preparedOf } from "./fake-types.ts";
import { evaluateResource } from "./evaluate.ts";
import { type Fate, World } from "./fake-world.ts";
import { plan } from "./plan.ts";
import type { Prepared } from "./prepared.ts";
import type { OnFailure, Operation } from "./run.ts";
import { parseStackPolicy, type StackPolicy } from "./stack-policy.ts";
import { sameValue } from "./values.ts";

fc.configureGlobal({ seed: 1 });

/** A resource that refers to some of those before it. */
interface Part {
  readonly isPresent: boolean;
  readonly isRole: boolean;
  readonly inPlace: number;
  readonly replacing: number;
  readonly refers: readonly boolean[];
  readonly byAttribute: boolean;
  readonly dependsOn: readonly boolean[];
}

const SIZE = 6;
const flags = fc.array(fc.boolean(), { minLength: SIZE, maxLength: SIZE });
const part = fc.record<Part>({
  isPresent: fc.boolean(),
  isRole: fc.boolean(),
  inPlace: fc.nat(2),
  replacing: fc.nat(1),
  refers: flags,
  byAttribute: fc.boolean(),
  dependsOn: flags,
});
const parts = fc.array(part, { minLength: SIZE, maxLength: SIZE });
/** Order in which resources may refer to one another: another template may turn it round. */
const order = fc.shuffledSubarray([0, 1, 2, 3, 4, 5], { minLength: SIZE });
const template = fc.tuple(parts, order);
const choices = fc.array(fc.nat(999), { minLength: 1, maxLength: 60 });

/** Kinds stay, as a type can't change; the rest differs between templates. */
function bodyOf([all, places]: readonly [readonly Part[], readonly number[]], kinds: readonly Part[]): string {
  const present = places.filter((at) => all[at]?.isPresent === true);
  const resources: Record<string, unknown> = { Always: { Type: "Custom::Thing", Properties: { V: "1" } } };
  present.forEach((at, place) => {
    const each = all[at];
    if (each === undefined) return;
    const earlier = present.slice(0, place);
    const named = earlier.filter((other) => each.refers[other]);
    const values = named.map((other) =>
      each.byAttribute ? { "Fn::GetAtt": [`R${other}`, "Arn"] } : { Ref: `R${other}` },
    );
    const text = values.length === 0 ? {} : { Description: { "Fn::Join": [" ", [`v${each.inPlace}`, ...values]] } };
    const isRole = kinds[at]?.isRole === true;
    const replacing = isRole ? { Path: `/p${each.replacing}/` } : { V: each.inPlace };
    resources[`R${at}`] = {
      Type: isRole ? "AWS::IAM::Role" : "Custom::Thing",
      DependsOn: earlier.filter((other) => each.dependsOn[other]).map((other) => `R${other}`),
      Properties: { ...replacing, ...text },
    };
  });
  return JSON.stringify({ Resources: resources });
}

/** Gives numbers in a circle. */
function chooser(numbers: readonly number[]): (count: number) => number {
  let at = 0;
  return (count) => (numbers[at++ % numbers.length] ?? 0) % count;
}

function operation(kind: "create" | "update", world: World, target: Prepared, onFailure: OnFailure): Operation {
  const planned = plan({ target, previous: null, resources: world.resources.values(), types: FAKE_TYPES });
  return { kind, plan: planned, onFailure, retainExceptOnCreate: false };
}

/** What there is, is what the template says: each value refers to things that are there. */
function expectApplied(world: World, target: Prepared): void {
  const rows = new Map(world.rows().map((row) => [row.logicalId, row]));
  const facts = {
    ref: (id: string) => rows.get(id)?.physicalId ?? undefined,
    attribute: (id: string) => `arn:${rows.get(id)?.physicalId ?? ""};`,
  };
  const there = [...world.things].filter(([id]) => !world.left.has(id));
  expect(there.map(([, { logicalId }]) => logicalId).toSorted()).toEqual(Object.keys(target.resources).toSorted());
  for (const [id, resource] of Object.entries(target.resources)) {
    const { properties } = evaluateResource(target, id, resource, facts);
    const thing = world.things.get(rows.get(id)?.physicalId ?? "");
    expect(sameValue(thing?.properties, properties), `${id}: ${JSON.stringify([thing, properties])}`).toBe(true);
  }
}

function snapshot(world: World): unknown {
  return [...world.things].filter(([id]) => !world.left.has(id)).toSorted(([a], [b]) => (a < b ? -1 : 1));
}

/** Nothing is pending at an end, no thing was removed that something referred to, and the last event tells the end. */
function expectEnd(world: World): void {
  expect(world.pending).toEqual([]);
  expect(world.head?.phase).toBe("end");
  expect(world.offences).toEqual([]);
  expect(world.events.at(-1)?.status).toBe(world.head?.status);
  for (const { status } of world.resources.values()) expect(status).not.toContain("IN_PROGRESS");
}

/** Denies one action on the first resource, or none. */
function somePolicy(choose: (count: number) => number): StackPolicy {
  const Action = (["Update:Modify", "Update:Replace", "Update:Delete"] as const)[choose(6)];
  if (Action === undefined) return null;
  const all = { Effect: "Allow", Action: "Update:*", Principal: "*", Resource: "*" };
  const denied = { ...all, Effect: "Deny", Action, Resource: "LogicalResourceId/R0" };
  return parseStackPolicy(JSON.stringify({ Statement: [all, denied] }));
}

/** One in five fails, as chance says, with what it was to do done or not. */
function fateful(choose: (count: number) => number): () => Fate {
  return () => (["failed", "half", "done", "done", "done", "done", "done", "done"] as const)[choose(8)] ?? "done";
}

it("without failures each update is applied, and the one back leaves what was there", () => {
  fc.assert(
    fc.property(template, template, choices, (first, second, numbers) => {
      const world = new World();
      world.choose = chooser(numbers);
      world.crashes = () => world.choose(3) === 0;
      const [one, two] = [first, second].map((each) => preparedOf(bodyOf(each, first[0])));
      if (one === undefined || two === undefined) return;
      world.run(operation("create", world, one, "ROLLBACK"));
      expect(world.head?.status).toBe("CREATE_COMPLETE");
      expectApplied(world, one);
      for (const target of [two, one]) {
        world.run(operation("update", world, target, "ROLLBACK"));
        expect(world.head?.status).toBe("UPDATE_COMPLETE");
        expectEnd(world);
        expectApplied(world, target);
      }
      world.run({ kind: "delete", retain: [], isForced: false });
      expect([world.head?.status, world.things.size]).toEqual(["DELETE_COMPLETE", 0]);
      expectEnd(world);
    }),
    { numRuns: 300 },
  );
});

it("an update that fails or is cancelled brings back what was there, at once or when it is continued", () => {
  fc.assert(
    fc.property(template, template, choices, fc.option(fc.nat(8)), (first, second, numbers, cancelAt) => {
      const world = new World();
      const [one, two] = [first, second].map((each) => preparedOf(bodyOf(each, first[0])));
      if (one === undefined || two === undefined) return;
      world.run(operation("create", world, one, "ROLLBACK"));
      const before = snapshot(world);
      world.choose = chooser(numbers);
      world.crashes = () => world.choose(4) === 0;
      world.fate = fateful(world.choose);
      world.context = { policy: somePolicy(world.choose) };
      world.begin(operation("update", world, two, "ROLLBACK"));
      let steps = 0;
      world.finish(() => {
        if (steps++ === cancelAt) world.tell({ kind: "cancel" });
      });
      for (let tries = 0; world.head?.status === "UPDATE_ROLLBACK_FAILED" && tries < 3; tries++) {
        expectEnd(world);
        if (tries === 2) world.fate = () => "done";
        world.run({ kind: "continue", skip: [] });
      }
      expectEnd(world);
      if (world.head?.status === "UPDATE_COMPLETE") expectApplied(world, two);
      else {
        expect(world.head?.status).toBe("UPDATE_ROLLBACK_COMPLETE");
        expect(snapshot(world)).toEqual(before);
      }
      world.fate = () => "done";
      world.context = {};
      world.run(operation("update", world, one, "ROLLBACK"));
      expectApplied(world, one);
    }),
    { numRuns: 500 },
  );
});

it("updates whose failures stay lead to the last template, or back to the last stable state", () => {
  fc.assert(
    fc.property(fc.array(template, { minLength: 3, maxLength: 5 }), choices, fc.boolean(), (all, numbers, isBack) => {
      const world = new World();
      const kinds = all[0]?.[0] ?? [];
      const [one, ...others] = all.map((each) => preparedOf(bodyOf(each, kinds)));
      if (one === undefined) return;
      world.run(operation("create", world, one, "ROLLBACK"));
      let stable = one;
      world.choose = chooser(numbers);
      world.fate = fateful(world.choose);
      for (const target of others) {
        world.context = { policy: somePolicy(world.choose) };
        world.run(operation("update", world, target, "DO_NOTHING"));
        expectEnd(world);
        if (world.head?.status === "UPDATE_COMPLETE") stable = target;
        else expect(world.head?.status).toBe("UPDATE_FAILED");
      }
      world.fate = () => "done";
      world.context = {};
      if (isBack && world.head?.status === "UPDATE_FAILED") {
        world.run({ kind: "rollback", retainExceptOnCreate: false });
        expect(world.head?.status).toBe("UPDATE_ROLLBACK_COMPLETE");
      } else {
        stable = others.at(-1) ?? one;
        world.run(operation("update", world, stable, "DO_NOTHING"));
        expect(world.head?.status).toBe("UPDATE_COMPLETE");
      }
      expectEnd(world);
      expectApplied(world, stable);
    }),
    { numRuns: 300 },
  );
});

it("a creation that fails, and a deletion, leave nothing but what could not be removed", () => {
  fc.assert(
    fc.property(
      template,
      choices,
      fc.constantFrom<OnFailure>("ROLLBACK", "DO_NOTHING", "DELETE"),
      (first, numbers, onFailure) => {
        const world = new World();
        world.choose = chooser(numbers);
        world.crashes = () => world.choose(4) === 0;
        world.fate = fateful(world.choose);
        const target = preparedOf(bodyOf(first, first[0]));
        world.run(operation("create", world, target, onFailure));
        expectEnd(world);
        for (let tries = 0; world.head?.status !== "DELETE_COMPLETE" && tries < 4; tries++) {
          if (tries === 3) world.fate = () => "done";
          world.run({ kind: "delete", retain: [], isForced: false });
          expectEnd(world);
        }
        expect([world.head?.status, [...world.things.keys()]]).toEqual(["DELETE_COMPLETE", []]);
      },
    ),
    { numRuns: 300 },
  );
});

it("whoever restarts a run at any of its steps ends as one whom nobody stopped", () => {
  fc.assert(
    fc.property(template, template, choices, (first, second, numbers) => {
      const [one, two] = [first, second].map((each) => preparedOf(bodyOf(each, first[0])));
      if (one === undefined || two === undefined) return;
      const runWith = (crashAt: number): World => {
        const world = new World();
        world.run(operation("create", world, one, "ROLLBACK"));
        // The same fate for the same command, however often it is begun.
        world.fate = ({ token }) =>
          (numbers[Number(token.split("-")[1]) % numbers.length] ?? 0) % 6 === 0 ? "failed" : "done";
        let step = 0;
        world.crashes = () => step++ === crashAt;
        world.run(operation("update", world, two, "ROLLBACK"));
        return world;
      };
      const whole = runWith(-1);
      for (let crashAt = 0; crashAt < 4; crashAt++) {
        const crashed = runWith(crashAt);
        expect([crashed.head, [...crashed.resources], crashed.events]).toEqual([
          whole.head,
          [...whole.resources],
          whole.events,
        ]);
      }
    }),
    { numRuns: 60 },
  );
});
