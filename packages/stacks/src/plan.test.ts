import { describe, expect, it } from "vitest";
import { FAKE_TYPES, preparedOf } from "./fake-types.ts";
import { evaluateResource } from "./evaluate.ts";
import { type Plan, plan } from "./plan.ts";
import type { PrepareInput } from "./prepare.ts";
import type { Prepared } from "./prepared.ts";
import type { StackResource } from "./stack-resource.ts";
import { attributeOf } from "./values.ts";

/** Rows as a deployment without failures leaves them. */
function applied(prepared: Prepared): readonly StackResource[] {
  const rows = new Map<string, StackResource>();
  const facts = {
    ref: (id: string) => `${id}-1`,
    attribute: (id: string, name: string) => attributeOf(rows.get(id)?.attributes ?? {}, name) ?? `arn:${id}`,
  };
  for (const [id, resource] of Object.entries(prepared.resources)) {
    const { properties, metadata } = evaluateResource(prepared, id, resource, facts);
    const { type, needs, deletionPolicy, updateReplacePolicy } = resource;
    rows.set(id, {
      key: id,
      logicalId: id,
      type,
      physicalId: `${id}-1`,
      ref: null,
      attributes: { Arn: `arn:${id}` },
      properties,
      metadata,
      needs,
      deletionPolicy,
      updateReplacePolicy,
      tags: prepared.tags,
      neededKeys: needs,
      staleKeys: [],
      isObsolete: false,
      isIncomplete: false,
      madeSince: 0,
      run: 1,
      before: null,
      status: "CREATE_COMPLETE",
      statusReason: null,
      updatedAtMs: 0,
    });
  }
  return [...rows.values()];
}

function planned(before: string, after: string, first: Partial<PrepareInput> = {}, second = first): Plan {
  const previous = preparedOf(before, first);
  return plan({
    target: preparedOf(after, second),
    previous,
    resources: applied(previous),
    types: FAKE_TYPES,
  });
}

function shown({ changes }: Plan): readonly string[] {
  return changes.map(({ action, logicalId, replacement, scope }) =>
    [action, logicalId, replacement ?? "-", scope.join("+")].join(" ").trim(),
  );
}

const BASE = `
Parameters: { Size: { Type: Number, Default: 128 }, Name: { Type: String, Default: one } }
Resources:
  Role: { Type: AWS::IAM::Role, Properties: { Description: a } }
  Function: { Type: AWS::Lambda::Function, Properties: { Role: !GetAtt Role.Arn, MemorySize: !Ref Size } }
  Permission: { Type: AWS::Lambda::Permission, Properties: { FunctionName: !GetAtt Function.Arn, Principal: p } }
  Topic: { Type: AWS::SNS::Topic, Properties: { TopicName: !Ref Name } }
`;

it("all is added to a stack that is new", () => {
  const result = plan({ target: preparedOf(BASE), previous: null, resources: [], types: FAKE_TYPES });
  expect(shown(result)).toEqual(["Add Role -", "Add Function -", "Add Permission -", "Add Topic -"]);
  expect(result.changes[1]?.after).toEqual({
    Properties: { Role: "{{changeSet:KNOWN_AFTER_APPLY}}", MemorySize: "128" },
  });
});

describe("changes", () => {
  it.for([
    ["the same", BASE, []],
    ["DependsOn only", BASE.replace("AWS::SNS::Topic,", "AWS::SNS::Topic, DependsOn: Role,"), []],
    [
      "what others may see of it",
      BASE.replace("MemorySize: !Ref Size", "MemorySize: 256"),
      ["Modify Function False Properties", "Modify Permission Conditional Properties"],
    ],
    [
      "one that replaces, and those that name it",
      BASE.replace("Description: a", "Path: /x/"),
      ["Modify Role True Properties", "Modify Function False Properties", "Modify Permission Conditional Properties"],
    ],
    ["Metadata only", BASE.replace("SNS::Topic,", "SNS::Topic, Metadata: { A: b },"), ["Modify Topic False Metadata"]],
    [
      "a policy only",
      BASE.replace("SNS::Topic,", "SNS::Topic, DeletionPolicy: Retain,"),
      ["Modify Topic False DeletionPolicy"],
    ],
    ["one less", BASE.replace(/ {2}Permission.*\n/, ""), ["Remove Permission -"]],
    ["numbers as texts", BASE.replace("Default: 128", "Default: '128'"), []],
    [
      "what may replace and does not",
      BASE.replace("MemorySize: !Ref Size", "MemorySize: !Ref Size, PackageType: Zip"),
      ["Modify Function False Properties", "Modify Permission Conditional Properties"],
    ],
  ] as const)("%s", ([, after, changes]) => {
    const result = planned(BASE, after);
    expect(shown(result)).toEqual(changes);
    expect(result.isChange).toBe(changes.length > 0);
  });

  it("what may replace and does", () => {
    const [zip, image] = ["Zip", "Image"].map((kind) =>
      BASE.replace("MemorySize: !Ref Size", `MemorySize: !Ref Size, PackageType: ${kind}`),
    );
    expect(shown(planned(zip ?? "", image ?? ""))).toContain("Modify Function True Properties");
  });

  it("a parameter is told as AWS tells it", () => {
    const result = planned(BASE, BASE, {}, { parameters: { Name: "two" } });
    const target = { attribute: "Properties", name: "TopicName", requiresRecreation: "Always" };
    expect(result.changes).toMatchObject([
      {
        logicalId: "Topic",
        replacement: "True",
        policyAction: "ReplaceAndDelete",
        details: [
          { ...target, evaluation: "Static", changeSource: "ParameterReference", causingEntity: "Name" },
          { ...target, evaluation: "Dynamic", changeSource: "DirectModification", causingEntity: null },
        ],
      },
    ]);
  });

  it("references are told with what causes them", () => {
    const { changes } = planned(BASE, BASE.replace("Description: a", "Path: /x/"));
    expect(changes[1]?.details).toMatchObject([
      {
        name: "Role",
        evaluation: "Static",
        changeSource: "ResourceAttribute",
        causingEntity: "Role.Arn",
        beforeValue: "arn:Role",
        afterValue: "{{changeSet:KNOWN_AFTER_APPLY}}",
      },
    ]);
    expect(changes[2]?.details).toMatchObject([{ evaluation: "Dynamic", causingEntity: "Function.Arn" }]);
  });

  it("tags of the stack change what bears tags", () => {
    const result = planned(BASE, BASE, {}, { tags: { team: "a" } });
    expect(shown(result)).toEqual(["Modify Function False Tags", "Modify Permission Conditional Properties"]);
  });

  it("a nested stack is always looked at", () => {
    const body = "Resources: { S: { Type: AWS::CloudFormation::Stack, Properties: { TemplateURL: u } } }";
    expect(planned(body, body).changes).toMatchObject([
      { logicalId: "S", replacement: "False", details: [{ evaluation: "Dynamic", changeSource: "Automatic" }] },
    ]);
  });

  it("outputs alone are a change, whose resources are none", () => {
    const result = planned(BASE, `${BASE}Outputs: { O: { Value: !Ref Topic } }`);
    expect([result.changes, result.isChange]).toEqual([[], true]);
  });

  it("another type is refused, as on AWS", () => {
    expect(() => planned(BASE, BASE.replace("SNS::Topic, Properties: { TopicName: !Ref Name }", "IAM::Role"))).toThrow(
      "Update of resource type is not permitted. The new template modifies resource type of the following resources: [Topic]",
    );
  });
});

it("a resource whose creation failed is added again", () => {
  const previous = preparedOf(BASE);
  const rows = applied(previous).map((row) => ({
    ...row,
    ...(row.logicalId === "Topic" ? { status: "CREATE_FAILED" as const, isIncomplete: true } : {}),
  }));
  const result = plan({ target: previous, previous, resources: rows, types: FAKE_TYPES });
  expect(shown(result)).toEqual(["Add Topic -"]);
});
