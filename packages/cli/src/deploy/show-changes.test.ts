import type { ResourceChange } from "@aws-sdk/client-cloudformation";
import { it } from "vitest";
import { describeDifferences, listChanges } from "./show-changes.ts";

const LATER = "{{changeSet:KNOWN_AFTER_APPLY}}";

function change(before: object | null, after: object | null, more: Partial<ResourceChange> = {}): ResourceChange {
  const context = (properties: object): string => JSON.stringify({ Properties: properties });
  return {
    Action: "Modify",
    LogicalResourceId: "F",
    ResourceType: "AWS::Lambda::Function",
    ...(before === null ? {} : { BeforeContext: context(before) }),
    ...(after === null ? {} : { AfterContext: context(after) }),
    ...more,
  };
}

it("says of a change whether it replaces, and of a resource whether it stays or does nothing", ({ expect }) => {
  const changes = [
    change(null, {}, { Action: "Add" }),
    change({}, {}, { Replacement: "True" }),
    change({}, {}, { Replacement: "Conditional" }),
    change({}, null, { Action: "Remove", PolicyAction: "Retain" }),
    change(null, {}, { Action: "Add", ResourceType: "AWS::IAM::Role" }),
  ];
  expect(listChanges(changes, new Set(["AWS::IAM::Role"]))).toEqual([
    "+ F AWS::Lambda::Function",
    "~ F AWS::Lambda::Function (is replaced)",
    "~ F AWS::Lambda::Function (may be replaced)",
    "- F AWS::Lambda::Function (stays, and leaves the stack)",
    "+ F AWS::IAM::Role (recorded, does nothing here)",
  ]);
});

it("shows each value that differs, to the member, and cuts long ones", ({ expect }) => {
  const before = { Timeout: 3, Environment: { Variables: { A: "1", B: "2" } }, Layers: ["a"], Old: "x" };
  const after = { Timeout: 9, Environment: { Variables: { A: "1", C: "3" } }, Layers: ["a", "b"], Role: LATER };
  expect(describeDifferences(change(before, after))).toEqual([
    "    Timeout: 3 → 9",
    "    Environment.Variables.B: - 2",
    "    Environment.Variables.C: + 3",
    '    Layers: ["a"] → ["a","b"]',
    "    Old: - x",
    "    Role: + (known after the deployment)",
  ]);
  expect(describeDifferences(change({ D: "a" }, { D: "b".repeat(300) }))).toEqual([`    D: a → ${"b".repeat(200)}…`]);
  expect(describeDifferences(change(before, null, { Action: "Remove" }))).toEqual([]);
});

it("says what a property follows that is the same so far", ({ expect }) => {
  const Details = [{ Target: { Attribute: "Properties", Name: "Role" }, CausingEntity: "R.Arn" } as const];
  expect(describeDifferences(change({ Role: "r" }, { Role: "r" }, { Details: [...Details] }))).toEqual([
    "    Role: follows R.Arn",
  ]);
});
