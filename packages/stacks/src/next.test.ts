import { describe, expect, it } from "vitest";
import { FAKE_TYPES, preparedOf } from "./fake-types.ts";
import { World } from "./fake-world.ts";
import { type Plan, plan } from "./plan.ts";
import type { Operation, OnFailure } from "./run.ts";

function planFor(world: World, body: string, previous: string | null = null): Plan {
  return plan({
    target: preparedOf(body),
    previous: previous === null ? null : preparedOf(previous),
    resources: world.resources.values(),
    types: FAKE_TYPES,
  });
}

function create(world: World, body: string, onFailure: OnFailure = "ROLLBACK"): Operation {
  return { kind: "create", plan: planFor(world, body), onFailure, retainExceptOnCreate: false };
}

function update(world: World, body: string, onFailure: OnFailure = "ROLLBACK"): Operation {
  return { kind: "update", plan: planFor(world, body, body), onFailure, retainExceptOnCreate: false };
}

const DELETE: Operation = { kind: "delete", retain: [], isForced: false };
const ROLL_BACK: Operation = { kind: "rollback", retainExceptOnCreate: false };

function created(body: string): World {
  const world = new World();
  world.run(create(world, body));
  world.events.length = 0;
  return world;
}

function events(world: World): readonly string[] {
  return world.events.map(({ logicalId, status, reason }) =>
    [logicalId ?? "stack", status, ...(reason === null ? [] : [reason])].join(" "),
  );
}

function failing(world: World, ...ids: readonly string[]): World {
  world.fate = ({ logicalId }) => (ids.includes(logicalId) ? "failed" : "done");
  return world;
}

const TWO = `Resources:
  A: { Type: AWS::IAM::Role, Properties: { Description: a } }
  B: { Type: Custom::Thing, Properties: { A: !Ref A, Arn: !GetAtt A.Arn } }
`;
const REPLACED = TWO.replace("Description: a", "Description: a, Path: /x/");

it("a rollback brings back what a change that failed may have made before its thing was replaced", () => {
  const world = created(TWO);
  const original = [...world.things];
  const changed = TWO.replace("Description: a", "Description: b");
  world.fate = () => "half";
  expect(world.run(update(world, changed, "DO_NOTHING")).status).toBe("UPDATE_FAILED");
  expect(world.run(update(failing(world, "A"), TWO, "DO_NOTHING")).status).toBe("UPDATE_FAILED");
  expect(world.run(update(failing(world, "B"), REPLACED, "DO_NOTHING")).status).toBe("UPDATE_FAILED");
  world.fate = () => "done";
  expect(world.run(ROLL_BACK).status).toBe("UPDATE_ROLLBACK_COMPLETE");
  expect([...world.things]).toEqual(original);
});

describe("a creation", () => {
  it("makes each after what it needs", () => {
    const world = new World();
    const head = world.run(
      create(world, `${TWO}Outputs: { O: { Value: !Ref B, Export: { Name: !Sub "x-\${AWS::StackName}" } } }`),
    );
    expect(events(world)).toEqual([
      "stack CREATE_IN_PROGRESS User Initiated",
      "A CREATE_IN_PROGRESS",
      "A CREATE_IN_PROGRESS Resource creation Initiated",
      "A CREATE_COMPLETE",
      "B CREATE_IN_PROGRESS",
      "B CREATE_IN_PROGRESS Resource creation Initiated",
      "B CREATE_COMPLETE",
      "stack CREATE_COMPLETE",
    ]);
    expect(head.outputs).toEqual([{ key: "O", value: "B-1-4", description: null, exportName: "x-shop" }]);
    expect([...world.things.values()].map(({ properties }) => properties)).toEqual([
      { Description: "a" },
      { A: "A-1-2", Arn: "arn:A-1-2;" },
    ]);
  });

  it("that fails is rolled back, and cancels what has begun", () => {
    const world = failing(new World(), "B");
    const body = `${TWO}  C: { Type: Custom::Thing, Properties: { A: !Ref A } }\n`;
    expect(world.run(create(world, body)).status).toBe("ROLLBACK_COMPLETE");
    expect(events(world).slice(4)).toEqual([
      "B CREATE_IN_PROGRESS",
      "C CREATE_IN_PROGRESS",
      "B CREATE_FAILED B fails",
      "C CREATE_IN_PROGRESS Resource creation Initiated",
      "C CREATE_FAILED Resource creation cancelled",
      "stack ROLLBACK_IN_PROGRESS The following resource(s) failed to create: [B, C]. Rollback requested by user.",
      "B DELETE_COMPLETE",
      "C DELETE_IN_PROGRESS",
      "C DELETE_COMPLETE",
      "A DELETE_IN_PROGRESS",
      "A DELETE_COMPLETE",
      "stack ROLLBACK_COMPLETE",
    ]);
    expect(world.things.size).toBe(0);
  });

  it.for([
    ["DO_NOTHING", "CREATE_FAILED", 1],
    ["DELETE", "DELETE_COMPLETE", 0],
  ] as const)("that fails with %s ends %s", ([onFailure, status, things]) => {
    const world = failing(new World(), "B");
    expect(world.run(create(world, TWO, onFailure)).status).toBe(status);
    expect(world.things.size).toBe(things);
  });

  it("that takes too long is rolled back", () => {
    const world = new World();
    world.begin(create(world, TWO));
    world.tell({ kind: "timeout" });
    world.finish();
    expect(world.head?.status).toBe("ROLLBACK_COMPLETE");
    expect(events(world)).toContain(
      "stack ROLLBACK_IN_PROGRESS Stack creation time exceeded the specified timeout. Rollback requested by user.",
    );
  });

  it("may be deleted while it runs", () => {
    const world = new World();
    world.begin(create(world, TWO));
    world.begin(DELETE);
    expect(world.pending).toHaveLength(1);
    world.finish();
    expect([world.head?.status, world.things.size]).toEqual(["DELETE_COMPLETE", 0]);
  });

  it("can't take the name of another's export", () => {
    const world = new World();
    world.context = { foreignExports: new Map([["taken", "other"]]) };
    world.run(create(world, `${TWO}Outputs: { O: { Value: a, Export: { Name: taken } } }`));
    expect(events(world)).toContain(
      "stack ROLLBACK_IN_PROGRESS Export with name taken is already exported by stack other. Rollback requested by user.",
    );
  });

  it("has at most eight at once", () => {
    const world = new World();
    const many = Array.from({ length: 20 }, (_, at) => `  R${at}: { Type: AWS::IAM::Role }\n`).join("");
    world.begin(create(world, `Resources:\n${many}`));
    expect(world.pending).toHaveLength(8);
    world.finish(() => expect(world.pending.length).toBeLessThanOrEqual(8));
    expect(world.head?.status).toBe("CREATE_COMPLETE");
  });

  it("fails a resource whose values can't be made", () => {
    const world = new World();
    world.run(create(world, `${TWO}  C: { Type: Custom::Thing, Properties: { X: !GetAtt B.Nope } }\n`));
    expect(events(world)).toContain(
      "C CREATE_FAILED Template error: resource B does not support attribute type Nope in Fn::GetAtt",
    );
    expect(world.head?.status).toBe("ROLLBACK_COMPLETE");
  });
});

describe("an update", () => {
  it("replaces, changes what names it, and removes the old thing last", () => {
    const world = created(TWO);
    world.run(update(world, REPLACED));
    expect(events(world)).toEqual([
      "stack UPDATE_IN_PROGRESS User Initiated",
      "A UPDATE_IN_PROGRESS Requested update requires the creation of a new physical resource; hence creating one.",
      "A UPDATE_IN_PROGRESS Resource creation Initiated",
      "A UPDATE_COMPLETE",
      "B UPDATE_IN_PROGRESS",
      "B UPDATE_COMPLETE",
      "stack UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
      "A DELETE_IN_PROGRESS",
      "A DELETE_COMPLETE",
      "stack UPDATE_COMPLETE",
    ]);
    expect(world.things.size).toBe(2);
    expect(world.offences).toEqual([]);
  });

  it("that fails brings back what was there", () => {
    const world = created(TWO);
    const before = structuredClone([...world.things]);
    let times = 0;
    world.fate = ({ logicalId }) => (logicalId === "B" && times++ === 0 ? "half" : "done");
    expect(world.run(update(world, REPLACED)).status).toBe("UPDATE_ROLLBACK_COMPLETE");
    expect(events(world).slice(4)).toEqual([
      "B UPDATE_IN_PROGRESS",
      "B UPDATE_FAILED B fails",
      "stack UPDATE_ROLLBACK_IN_PROGRESS The following resource(s) failed to update: [B].",
      "A UPDATE_COMPLETE",
      "B UPDATE_IN_PROGRESS",
      "B UPDATE_COMPLETE",
      "stack UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
      "A DELETE_IN_PROGRESS",
      "A DELETE_COMPLETE",
      "stack UPDATE_ROLLBACK_COMPLETE",
    ]);
    expect([...world.things]).toEqual(before);
  });

  it("whose rollback fails is continued, or its resource skipped", () => {
    for (const skip of [[], ["B"]]) {
      const world = failing(created(TWO), "B");
      expect(world.run(update(world, REPLACED)).status).toBe("UPDATE_ROLLBACK_FAILED");
      expect(world.head?.statusReason).toBe("The following resource(s) failed to update: [B].");
      if (skip.length === 0) failing(world);
      expect(world.run({ kind: "continue", skip }).status).toBe("UPDATE_ROLLBACK_COMPLETE");
      const skipped = "B UPDATE_COMPLETE Resource skipped during UpdateRollback";
      expect(events(world).includes(skipped)).toBe(skip.length > 0);
    }
  });

  it("that fails with rollback disabled stays, and is rolled back over several updates", () => {
    const world = created(TWO);
    const before = structuredClone([...world.things]);
    failing(world, "B");
    expect(world.run(update(world, REPLACED, "DO_NOTHING")).status).toBe("UPDATE_FAILED");
    const again = REPLACED.replace("/x/", "/y/");
    expect(world.run(update(world, again, "DO_NOTHING")).status).toBe("UPDATE_FAILED");
    failing(world);
    expect(world.run(ROLL_BACK).status).toBe("UPDATE_ROLLBACK_COMPLETE");
    expect([...world.things]).toEqual(before);
  });

  it("that is cancelled is rolled back", () => {
    const world = created(TWO);
    world.begin(update(world, REPLACED));
    world.tell({ kind: "cancel" });
    world.finish();
    expect(events(world).slice(2)).toEqual([
      "A UPDATE_IN_PROGRESS Resource creation Initiated",
      "A UPDATE_FAILED Resource update cancelled",
      "stack UPDATE_ROLLBACK_IN_PROGRESS User Initiated",
      "A UPDATE_COMPLETE",
      "stack UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
      "A DELETE_IN_PROGRESS",
      "A DELETE_COMPLETE",
      "stack UPDATE_ROLLBACK_COMPLETE",
    ]);
  });

  it("can't replace what has a name of its own", () => {
    const body =
      "Resources: { F: { Type: AWS::Lambda::Function, Properties: { FunctionName: f, Role: r, PackageType: Zip } } }";
    const world = created(body);
    world.run(update(world, body.replace("Zip", "Image")));
    expect(events(world)[1]).toBe(
      "F UPDATE_FAILED CloudFormation cannot update a stack when a custom-named resource requires replacing. Rename f and update the stack again.",
    );
    expect(world.head?.status).toBe("UPDATE_ROLLBACK_COMPLETE");
  });

  it("of Metadata only asks no handler", () => {
    const world = created(TWO);
    world.begin(update(world, TWO.replace("Custom::Thing,", "Custom::Thing, Metadata: { M: 1 },")));
    expect([world.pending, world.head?.status]).toEqual([[], "UPDATE_COMPLETE"]);
    expect(world.rows().find(({ logicalId }) => logicalId === "B")?.metadata).toEqual({ M: 1 });
  });

  it("removes what is gone, tries three times, and tells a failure last", () => {
    const world = created(TWO);
    let tries = 0;
    world.fate = ({ action, logicalId }) => {
      if (action !== "remove" || logicalId !== "B") return "done";
      tries++;
      return "failed";
    };
    const rest = `${TWO.split("  B:")[0] ?? ""}`;
    expect(world.run(update(world, rest)).status).toBe("UPDATE_COMPLETE");
    expect(tries).toBe(3);
    expect(events(world).slice(-2)).toEqual(["B DELETE_FAILED B fails", "stack UPDATE_COMPLETE"]);
    expect(world.rows().map(({ logicalId }) => logicalId)).toEqual(["A"]);
  });

  it("keeps exports that others import", () => {
    const body = `${TWO}Outputs: { O: { Value: a, Export: { Name: e } } }`;
    const world = created(body);
    world.context = { ownExports: new Map([["e", "a"]]), importers: new Map([["e", ["one", "two"]]]) };
    world.run(update(world, TWO));
    expect(events(world)).toContain(
      "stack UPDATE_ROLLBACK_IN_PROGRESS Export e cannot be deleted as it is in use by one, two",
    );
    world.run(DELETE);
    expect(world.head).toMatchObject({
      status: "DELETE_FAILED",
      statusReason: "Export e cannot be deleted as it is in use by one, two",
    });
    expect(world.things.size).toBe(2);
  });

  it("of a custom resource to another physical id removes the old one at the end", () => {
    const body = "Resources: { C: { Type: Custom::Thing, Properties: { V: 1 } } }";
    const world = created(body);
    world.begin(update(world, body.replace("V: 1", "V: 2")));
    const [command] = world.pending;
    world.tell({
      kind: "done",
      token: command?.token ?? "",
      made: { physicalId: "other", ref: null, attributes: {} },
    });
    expect(world.pending).toMatchObject([{ action: "remove", existing: { physicalId: "C-1-2" } }]);
    world.finish();
    expect(world.rows()).toMatchObject([{ physicalId: "other", status: "UPDATE_COMPLETE" }]);
  });
});

describe("policies", () => {
  const kept = (policy: string): string => TWO.replace("IAM::Role,", `IAM::Role, DeletionPolicy: ${policy},`);

  it.for([
    ["Retain", "ROLLBACK_COMPLETE", ["A DELETE_SKIPPED"]],
    ["RetainExceptOnCreate", "ROLLBACK_COMPLETE", ["A DELETE_IN_PROGRESS", "A DELETE_COMPLETE"]],
  ] as const)("%s in a creation that is rolled back", ([policy, status, told]) => {
    const world = failing(new World(), "B");
    expect(world.run(create(world, kept(policy))).status).toBe(status);
    expect(events(world).filter((event) => event.startsWith("A DELETE"))).toEqual(told);
  });

  it("Retain of what was never made keeps nothing", () => {
    const world = failing(new World(), "A");
    expect(world.run(create(world, kept("Retain"))).status).toBe("ROLLBACK_COMPLETE");
    expect(events(world).filter((event) => event.startsWith("A DELETE"))).toEqual(["A DELETE_COMPLETE"]);
  });

  it.for(["Retain", "RetainExceptOnCreate"])("%s in a deletion", (policy) => {
    const world = created(kept(policy));
    expect(world.run(DELETE).status).toBe("DELETE_COMPLETE");
    expect([...world.things.values()].map(({ logicalId }) => logicalId)).toEqual(["A"]);
  });

  it("UpdateReplacePolicy keeps what was replaced", () => {
    const world = created(TWO);
    world.run(update(world, REPLACED.replace("IAM::Role,", "IAM::Role, UpdateReplacePolicy: Retain,")));
    expect(events(world)).toContain("A DELETE_SKIPPED");
    expect(world.things.size).toBe(3);
  });
});

describe("a deletion", () => {
  it("goes the other way round, and leaves what it can't remove with all that needs", () => {
    const world = failing(created(TWO), "B");
    expect(world.run(DELETE)).toMatchObject({
      status: "DELETE_FAILED",
      statusReason: "The following resource(s) failed to delete: [B].",
    });
    expect(world.things.size).toBe(2);
    expect(world.run({ kind: "delete", retain: ["B"], isForced: false }).status).toBe("DELETE_COMPLETE");
    expect([...world.things.values()].map(({ logicalId }) => logicalId)).toEqual(["B"]);
  });

  it("that is forced leaves what it can't remove", () => {
    const world = failing(created(TWO), "B");
    expect(world.run({ kind: "delete", retain: [], isForced: true }).status).toBe("DELETE_COMPLETE");
    expect(events(world)).toContain("B DELETE_SKIPPED");
  });
});

it.for([
  ["that need nothing", () => ""],
  ["in a chain", (at: number) => (at === 0 ? "" : `A: !Ref R${at - 1}`)],
  ["around one", (at: number) => (at === 0 ? "" : "A: !Ref R0")],
] as const)("500 resources %s are made, changed and removed in steps that write little", ([, properties]) => {
  const body = (version: number): string => {
    const lines = Array.from({ length: 500 }, (_, at) => {
      return `  R${at}: { Type: Custom::Thing, Properties: { V: ${version}, ${properties(at)} } }`;
    });
    return `Resources:\n${lines.join("\n")}`;
  };
  const world = new World();
  world.begin(create(world, body(1)));
  const look = (): void => {
    expect(JSON.stringify(world.head).length).toBeLessThan(20_000);
    expect(world.written).toBeLessThan(20);
  };
  world.finish(look);
  world.begin(update(world, body(2)));
  world.finish(look);
  expect([world.head?.status, world.things.size]).toEqual(["UPDATE_COMPLETE", 500]);
  world.begin(DELETE);
  world.finish(look);
  expect([world.head?.status, world.things.size]).toEqual(["DELETE_COMPLETE", 0]);
});

it("news of nothing that is pending changes nothing", () => {
  const world = new World();
  world.begin(create(world, TWO));
  const [head, count] = [world.head, world.events.length];
  world.tell({ kind: "failed", token: "9-9", reason: "no", physicalId: null });
  expect([world.head, world.events.length]).toEqual([head, count]);
});
