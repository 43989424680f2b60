import { describe, expect, it } from "vitest";
import { FAKE_TYPES, preparedOf } from "./fake-types.ts";
import { World } from "./fake-world.ts";
import { plan } from "./plan.ts";
import type { OnFailure, Operation } from "./run.ts";
import { denialOf, parseStackPolicy, refuseUnknownIds, type UpdateAction } from "./stack-policy.ts";

const ALL = { Effect: "Allow", Action: "Update:*", Principal: "*", Resource: "*" };

function parse(...statements: readonly object[]) {
  return parseStackPolicy(JSON.stringify({ Statement: statements }));
}

function denial(policy: ReturnType<typeof parse>, action: string, logicalId = "Db", type = "AWS::RDS::DBInstance") {
  return denialOf(policy, `Update:${action}` as UpdateAction, { logicalId, type });
}

describe("a policy", () => {
  it("denies what no statement allows, and a denial wins", () => {
    const policy = parse(ALL, { ...ALL, Effect: "Deny", Action: ["Update:Replace", "Update:Delete"] });
    expect(denial(policy, "Modify")).toBeNull();
    expect(denial(policy, "Replace")).toBe(
      "Action denied by stack policy: Statement [#2] does not allow [Update:Replace] for resource [LogicalResourceId/Db]",
    );
    expect(denial(parse({ ...ALL, Action: "Update:Modify" }), "Delete")).toBe(
      "Action not allowed by stack policy: no statement allows [Update:Delete] for resource [LogicalResourceId/Db]",
    );
    expect(denial(parse(), "Modify")).toContain("not allowed");
    expect(denial(parseStackPolicy("{}"), "Delete")).toBeNull();
  });

  it("chooses by logical id, type, and what is not", () => {
    const { Resource: _resource, Action: _action, ...bare } = ALL;
    const but = { ...bare, Action: "Update:*", NotResource: ["LogicalResourceId/Critical*", "LogicalResourceId/D?"] };
    expect(denial(parse(but), "Modify", "Other")).toBeNull();
    expect(denial(parse(but), "Modify", "Db")).toContain("not allowed");
    expect(denial(parse(but), "Modify", "CriticalTable")).toContain("not allowed");
    const noDelete = parse({ ...bare, Resource: "*", NotAction: "Update:Delete" });
    expect(["Modify", "Replace", "Delete"].map((each) => denial(noDelete, each) === null)).toEqual([true, true, false]);
    const equals = { StringEquals: { ResourceType: ["AWS::RDS::DBInstance", "AWS::RDS::*"] } };
    const like = { StringLike: { ResourceType: "AWS::RDS::*" } };
    const of = (Condition: object) => parse(ALL, { ...ALL, Effect: "Deny", Condition });
    expect(denial(of(equals), "Modify")).toContain("[#2]");
    expect(denial(of(equals), "Modify", "C", "AWS::RDS::DBCluster")).toBeNull();
    expect(denial(of(like), "Modify", "C", "AWS::RDS::DBCluster")).toContain("[#2]");
    expect(denial(of({ ...equals, ...like }), "Modify", "C", "AWS::RDS::DBCluster")).toBeNull();
  });

  it.each([
    ["{", "it is not JSON"],
    ["[]", "it is not an object"],
    ['{"Version":"2012-10-17"}', "Statement is missing"],
    ['{"Statements":[]}', "Statements is none of Version, Id, Statement"],
    ['{"Statement":["x"]}', "Statement [#1] is not an object"],
    [{ Effect: "deny" }, "Statement [#2]: Effect must be Allow or Deny"],
    [{ Principal: { AWS: "*" } }, 'Statement [#2]: Principal must be "*"'],
    [{ Action: undefined }, "Statement [#2] must have one of Action and NotAction"],
    [{ NotResource: "*" }, "Statement [#2] must have one of Resource and NotResource"],
    [{ Action: "Delete:*" }, "Statement [#2]: the action Delete:* is none of Update:Modify, Update:Replace, "],
    [{ Action: [] }, "Statement [#2]: Action must be a text or a list of texts"],
    [{ Resource: "Db" }, 'Statement [#2]: the resource Db is neither "*" nor LogicalResourceId/ID'],
    [{ Condition: { StringNotLike: {} } }, "the condition StringNotLike is neither StringEquals nor StringLike"],
    [{ Condition: { StringLike: { Type: "a" } } }, "StringLike must have ResourceType, and nothing else"],
    [{ Condition: { StringLike: { ResourceType: [1] } } }, "ResourceType must be a text or a list of texts"],
    [{ Conditions: {} }, "Statement [#2]: Conditions is none of Sid, Effect, "],
  ])("%j is refused", (given, message) => {
    const text = typeof given === "string" ? given : JSON.stringify({ Statement: [ALL, { ...ALL, ...given }] });
    expect(() => parseStackPolicy(text)).toThrow("Error validating stack policy: Invalid stack policy: ");
    expect(() => parseStackPolicy(text)).toThrow(message);
  });

  it("names only resources of the template, unless by a pattern", () => {
    const of = (Resource: string) => parse({ ...ALL, Resource });
    const ids = new Set(["Db"]);
    for (const each of ["*", "LogicalResourceId/Db", "LogicalResourceId/X*"]) refuseUnknownIds(of(each), ids);
    expect(() => refuseUnknownIds(of("LogicalResourceId/DB"), ids)).toThrow(
      "Unknown logical id 'LogicalResourceId/DB' in statement {} - stack policies can only be applied to logical ids",
    );
  });

  it("with patterns that go back often is judged at once", () => {
    const policy = parse({ ...ALL, Resource: `LogicalResourceId/${"*a".repeat(2000)}b` });
    expect(denial(policy, "Modify", "a".repeat(255))).toContain("not allowed");
  });
});

const BEFORE = `Resources:
  A: { Type: AWS::IAM::Role, Properties: { Description: a, Path: /a/ }, Metadata: { M: 1 } }
  B: { Type: Custom::Thing, Properties: { A: !Ref A, V: 1 } }
`;

function planFor(world: World, body: string) {
  const resources = world.resources.values();
  return plan({ target: preparedOf(body), previous: preparedOf(BEFORE), resources, types: FAKE_TYPES });
}

/** Makes `BEFORE`, sets a policy, and changes it to `body`. */
function updated(body: string, statements: readonly object[], onFailure: OnFailure = "ROLLBACK"): World {
  const world = new World();
  const kept = { onFailure, retainExceptOnCreate: false };
  world.run({ kind: "create", plan: planFor(world, BEFORE), ...kept });
  world.events.length = 0;
  world.context = { policy: parse(...statements) };
  world.run({ kind: "update", plan: planFor(world, body), ...kept } satisfies Operation);
  return world;
}

function told(world: World, id: string | null): readonly string[] {
  return world.events
    .filter(({ logicalId }) => logicalId === id)
    .map(({ status, reason }) => (reason === null ? status : `${status} ${reason}`));
}

const things = (world: World) => [...world.things.values()].map(({ properties }) => properties);
const ROLLED_BACK = [
  "UPDATE_IN_PROGRESS User Initiated",
  "UPDATE_ROLLBACK_IN_PROGRESS The following resource(s) failed to update: [A].",
  "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
  "UPDATE_ROLLBACK_COMPLETE",
];

describe("an update under a policy", () => {
  it.each([
    ["a change in place", "Description: a", "Description: b", "Modify"],
    ["a change of metadata", "M: 1", "M: 2", "Modify"],
    ["a replacement", "Path: /a/", "Path: /b/", "Replace"],
  ])("%s that is denied is not made, and the update is rolled back", (_what, from, to, action) => {
    const deny = { ...ALL, Effect: "Deny", Action: `Update:${action}`, Resource: "LogicalResourceId/A" };
    const world = updated(BEFORE.replace(from, to), [ALL, deny]);
    expect(told(world, null)).toEqual(ROLLED_BACK);
    expect(told(world, "A")).toEqual([
      `UPDATE_FAILED Action denied by stack policy: Statement [#2] does not allow [Update:${action}] for resource [LogicalResourceId/A]`,
      "UPDATE_COMPLETE",
    ]);
    expect(told(world, "B")).toEqual([]);
    expect(things(world)).toHaveLength(2);
    expect(things(world)[0]).toEqual({ Description: "a", Path: "/a/" });
    expect(world.rows().map(({ status }) => status)).toEqual(["UPDATE_COMPLETE", "CREATE_COMPLETE"]);
    const other = action === "Replace" ? "Modify" : "Replace";
    expect(updated(BEFORE.replace(from, to), [ALL, { ...deny, Action: `Update:${other}` }]).head?.status).toBe(
      "UPDATE_COMPLETE",
    );
  });

  it("a removal that is denied fails it before anything is changed", () => {
    const without = "Resources:\n  B: { Type: Custom::Thing, Properties: { A: a, V: 2 } }\n";
    const world = updated(without, [{ ...ALL, Action: ["Update:Modify", "Update:Replace"] }]);
    expect(told(world, null)).toEqual(ROLLED_BACK);
    expect(told(world, "A")[0]).toContain("UPDATE_FAILED Action not allowed by stack policy");
    expect(told(world, "B")).toEqual([]);
    expect(things(world)).toHaveLength(2);
  });

  it("what was changed before a denial is brought back, and new resources need no leave", () => {
    const body = `${BEFORE.replace("Description: a", "Description: b").replace("V: 1", "V: 2")}  C: { Type: Custom::Thing }\n`;
    const world = updated(body, [{ ...ALL, Resource: "LogicalResourceId/A" }]);
    expect(world.head?.status).toBe("UPDATE_ROLLBACK_COMPLETE");
    expect(told(world, "B")[0]).toContain("UPDATE_FAILED Action not allowed by stack policy");
    expect(things(world)[0]).toEqual({ Description: "a", Path: "/a/" });
    expect(world.things.size).toBe(2);
    expect(updated(`${BEFORE}  C: { Type: Custom::Thing }\n`, []).head?.status).toBe("UPDATE_COMPLETE");
  });

  it("without a rollback fails, and a later one that is allowed makes the change", () => {
    const body = BEFORE.replace("Description: a", "Description: b");
    const world = updated(body, [], "DO_NOTHING");
    expect(world.head?.status).toBe("UPDATE_FAILED");
    world.context = { policy: null };
    const kept = { onFailure: "ROLLBACK", retainExceptOnCreate: false } as const;
    expect(world.run({ kind: "update", plan: planFor(world, body), ...kept }).status).toBe("UPDATE_COMPLETE");
    expect(things(world)[0]).toEqual({ Description: "b", Path: "/a/" });
  });
});
