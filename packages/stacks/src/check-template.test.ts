import { parseTemplate } from "@thaw/template/template";
import fc from "fast-check";
import { expect, it } from "vitest";
import { capabilitiesOf } from "./capabilities.ts";
import { checkTemplate } from "./check-template.ts";
import { cyclesOf } from "./graph.ts";

fc.configureGlobal({ seed: 1 });

function check(body: string): string | null {
  return checkTemplate(parseTemplate(body, "template"));
}

const Q = "Type: AWS::SQS::Queue";

it.for([
  [
    "a cycle",
    `Resources: { A: { ${Q}, DependsOn: B }, B: { ${Q}, DependsOn: [A] } }`,
    "Circular dependency between resources: [A, B]",
  ],
  [
    "a cycle of one",
    `Resources: { A: { ${Q}, Properties: { Name: !Sub "\${A.Arn}" } } }`,
    "Circular dependency between resources: [A]",
  ],
  [
    "a name that is not there",
    `Resources: { A: { ${Q}, Properties: { X: !Ref Nope, Y: !GetAtt Gone.Arn } } }`,
    "Template format error: Unresolved resource dependencies [Nope, Gone] in the Resources block of the template",
  ],
  [
    "an output of nothing",
    `Resources: { A: { ${Q} } }\nOutputs: { O: { Value: !Sub "\${B}" } }`,
    "Template format error: Unresolved resource dependencies [B] in the Outputs block of the template",
  ],
  [
    "a condition that is not there",
    `Resources: { A: { ${Q}, Condition: Nope } }`,
    "Template format error: Unresolved condition dependency Nope in the Resources block of the template",
  ],
  ["a logical id", `Resources: { A-B: { ${Q} } }`, "Template format error: Resource name A-B is non alphanumeric."],
  ["an unknown section", `Foo: {}\nResources: { A: { ${Q} } }`, "Invalid template property or properties [Foo]"],
  [
    "an unknown attribute",
    `Resources: { A: { ${Q}, Propertys: {} } }`,
    "Invalid template resource property 'Propertys'",
  ],
  [
    "a function among the resources",
    `Resources: { A: { ${Q} }, "Fn::If": [C, A, B] }`,
    "Template format error: Resource name Fn::If is non alphanumeric.",
  ],
  [
    "a function among the outputs",
    `Resources: { A: { ${Q} } }\nOutputs: { "Fn::If": [C, A, B] }`,
    "Template format error: Output name Fn::If is non alphanumeric.",
  ],
  [
    "a function in the place of a condition's name",
    `Resources: { A: { ${Q}, Condition: !Equals [a, b] } }`,
    "Template format error: Every Condition member must be a string.",
  ],
  [
    "a function in the place of a condition's name, of an output",
    `Resources: { A: { ${Q} } }\nOutputs: { O: { Value: a, Condition: !Equals [a, b] } }`,
    "Template format error: Every Condition member must be a string.",
  ],
  [
    "a function in the place of a needed resource's name",
    `Resources: { A: { ${Q}, DependsOn: !If [C, [B], []] }, B: { ${Q} } }`,
    "Template format error: Every DependsOn value must be a string.",
  ],
  [
    "a function among needed resources",
    `Resources: { A: { ${Q}, DependsOn: [!Ref B] }, B: { ${Q} } }`,
    "Template format error: Every DependsOn value must be a string.",
  ],
  [
    "an unknown member of a parameter",
    `Parameters: { P: { Type: String, AlowedValues: [a] } }\nResources: { A: { ${Q} } }`,
    "Invalid template parameter property 'AlowedValues'",
  ],
  [
    "an unknown member of an output",
    `Resources: { A: { ${Q} } }\nOutputs: { O: { Value: a, Exports: { Name: a } } }`,
    "Invalid template output property 'Exports'",
  ],
  [
    "a function as a parameter's default",
    `Parameters: { P: { Type: String, Default: !Ref "AWS::Region" } }\nResources: { A: { ${Q} } }`,
    "Template format error: Every Default member must be a string.",
  ],
  [
    "a list as a parameter's default",
    `Parameters: { P: { Type: CommaDelimitedList, Default: [a, b] } }\nResources: { A: { ${Q} } }`,
    "Template format error: Every Default member must be a string.",
  ],
  [
    "a parameter without a type",
    `Parameters: { P: { Default: a } }\nResources: { A: { ${Q} } }`,
    "Template format error: Every Parameters object must contain a Type member.",
  ],
  [
    "a cycle of conditions",
    `Conditions: { A: !Not [!Condition B], B: !And [!Equals [a, a], !Condition A] }\nResources: { R: { ${Q} } }`,
    "Template format error: Circular dependency between conditions: [A, B]",
  ],
  [
    "a cycle of one condition, before transforms",
    `Transform: AWS::Serverless-2016-10-31\nConditions: { A: !Or [!Condition A, !Equals [a, b]] }\nResources: { R: { ${Q} } }`,
    "Template format error: Circular dependency between conditions: [A]",
  ],
  [
    "a condition of one that is not there",
    `Conditions: { A: !Not [!Condition B] }\nResources: { R: { ${Q} } }`,
    "Template format error: Unresolved condition dependency B in the Conditions block of the template",
  ],
  [
    "a condition of a resource",
    `Conditions: { A: !Equals [!Ref R, !GetAtt R.Arn] }\nResources: { R: { ${Q} } }`,
    "Template format error: Unresolved dependencies [R]. Cannot reference resources in the Conditions block of the template",
  ],
  [
    "an export that is named by a resource",
    `Resources: { A: { ${Q} } }\nOutputs: { O: { Value: a, Export: { Name: !Sub "\${AWS::StackName}-\${A}" } } }`,
    "Template format error: Output O is malformed.  The Name field of Export must not depend on any resources, imported values, or Fn::GetAZs.",
  ],
  [
    "an export that is named by an attribute",
    `Resources: { A: { ${Q} } }\nOutputs: { O: { Value: a, Export: { Name: !Join ["-", [!GetAtt A.Arn]] } } }`,
    "Template format error: Output O is malformed.  The Name field of Export must not depend on any resources, imported values, or Fn::GetAZs.",
  ],
  [
    "an export that is named by an import",
    `Resources: { A: { ${Q} } }\nOutputs: { O: { Value: a, Export: { Name: !ImportValue x } } }`,
    "Template format error: Output O is malformed.  The Name field of Export must not depend on any resources, imported values, or Fn::GetAZs.",
  ],
  ["no resource", "Resources: {}", "Template format error: At least one Resources member must be defined."],
] as const)("%s is refused", ([, body, problem]) => {
  expect(check(body)).toBe(problem);
});

it("501 resources are too many", () => {
  const resources = Array.from({ length: 501 }, (_, at) => [`R${at}`, { Type: "AWS::SQS::Queue" }]);
  const text = JSON.stringify({ Resources: Object.fromEntries(resources) });
  expect(check(text)).toContain("Number of resources, 501, is greater than maximum allowed, 500");
});

it("what CloudFormation takes is taken", () => {
  const body = `
Parameters: { P: { Type: String } }
Conditions: { C: !Equals [!Ref P, a], D: !And [!Condition C, !Not [!Condition C], !Equals [!Ref "AWS::Region", b]] }
Resources:
  A: { ${Q}, Condition: C, Properties: { N: !Sub ["\${X}-\${AWS::Region}-\${!Literal}-\${B.Arn}", { X: !Ref P }] } }
  B: { ${Q}, Properties: { V: !If [C, !Ref P, !Ref "AWS::NoValue"] } }
Outputs: { O: { Value: !GetAtt A.Arn, Export: { Name: !Sub "\${AWS::StackName}-\${P}" } } }`;
  expect(check(body)).toBeNull();
});

it("a chain as long as a template is no cycle, and costs no stack", () => {
  const length = 100_000;
  const graph = new Map(Array.from({ length }, (_, at) => [`R${at}`, new Set([`R${at + 1}`])]));
  expect(cyclesOf(graph)).toEqual([]);
});

it("cycles are found wherever they are, and nothing else", () => {
  const size = 8;
  const edges = fc.array(fc.tuple(fc.nat(size - 1), fc.nat(size - 1)), { maxLength: 14 });
  fc.assert(
    fc.property(edges, (pairs) => {
      const graph = new Map(Array.from({ length: size }, (_, at) => [String(at), new Set<string>()]));
      for (const [from, to] of pairs) graph.get(String(from))?.add(String(to));
      const reaches = (from: string): Set<string> => {
        const found = new Set<string>();
        const left = [...(graph.get(from) ?? [])];
        for (let next = left.pop(); next !== undefined; next = left.pop()) {
          if (found.has(next)) continue;
          found.add(next);
          left.push(...(graph.get(next) ?? []));
        }
        return found;
      };
      const inCycle = [...graph.keys()].filter((id) => reaches(id).has(id));
      expect(cyclesOf(graph).flat().toSorted()).toEqual(inCycle.toSorted());
    }),
  );
});

it.for([
  ["AWS::SQS::Queue", "", [], null],
  ["AWS::IAM::Role", "", ["CAPABILITY_IAM"], "The following resource(s) require capabilities: [AWS::IAM::Role]"],
  ["AWS::IAM::Role", "RoleName: a", ["CAPABILITY_NAMED_IAM"], expect.any(String)],
] as const)("%s with %j needs %j", ([type, properties, names, reason]) => {
  const template = parseTemplate(`Resources: { A: { Type: ${type}, Properties: { ${properties} } } }`, "template");
  expect(capabilitiesOf(template)).toEqual({ names, reason });
});

it("a resource may have a description", () => {
  expect(check(`Resources: { A: { ${Q}, Description: a comment } }`)).toBeNull();
});
