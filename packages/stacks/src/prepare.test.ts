import { parseTemplate } from "@thaw/template/template";
import { describe, expect, it } from "vitest";
import { PLACE, preparedOf, prepareText } from "./fake-types.ts";
import { neededSsmParameters, type PrepareInput } from "./prepare.ts";
import { fillSecrets, hideSecrets } from "./secrets.ts";
import { evaluateResource } from "./evaluate.ts";

const ROLE = "R: { Type: AWS::IAM::Role }";

function problemOf(body: string, others: Partial<PrepareInput> = {}): string | null {
  try {
    prepareText(body, others);
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

function parameters(declared: string, given: Record<string, string>): string | null {
  return problemOf(`Parameters: { ${declared} }\nResources: { ${ROLE} }`, { parameters: given });
}

describe("parameters are refused in AWS's words", () => {
  it.for([
    ["A: { Type: String }, B: { Type: String }", {}, "Parameters: [A, B] must have values"],
    ["A: { Type: String, Default: a }", { X: "1" }, "Parameters: [X] do not exist in the template"],
    ["A: { Type: String, AllowedValues: [dev, prod] }", { A: "x" }, "Parameter 'A' must be one of AllowedValues"],
    ["A: { Type: Number, MinValue: 5 }", { A: "4" }, "Parameter 'A' must be a number not less than 5"],
    ["A: { Type: List<Number> }", { A: "4,x" }, "Parameter 'A' must be a number"],
    ["A: { Type: String, AllowedPattern: '[a-z]+' }", { A: "A1" }, "Parameter 'A' must match pattern [a-z]+"],
    [
      "A: { Type: String, AllowedPattern: '[a-z]+', ConstraintDescription: small letters only }",
      { A: "A1" },
      "Parameter A failed to satisfy constraint: small letters only",
    ],
    [
      "A: { Type: 'AWS::SSM::Parameter::Value<String>', Default: /a }, B: { Type: 'AWS::SSM::Parameter::Value<String>' }",
      { B: "/b" },
      "Unable to fetch parameters [/a,/b] from parameter store for this account.",
    ],
    ["A: { Type: Wrong }", { A: "x" }, "Template format error: Unrecognized parameter type: Wrong"],
    ["A: { Type: String }", { A: "x" }, null],
  ] as const)("%s, given %j", ([declared, given, problem]) => {
    expect(parameters(declared, given)).toBe(problem);
  });
});

it("a property of AWS's that Thaw does not have may be given empty", () => {
  const body = (value: string): string =>
    `Resources: { F: { Type: AWS::Lambda::Function, Properties: { Role: r, VpcConfig: ${value} } } }`;
  for (const empty of ['""', "[]", "{}", "false", '"false"']) expect(problemOf(body(empty)), empty).toBe(null);
  for (const given of ["x", "[a]", "{ A: b }", "true", "0"])
    expect(problemOf(body(given)), given).toBe(
      "Properties validation failed for resource F with message:\n" +
        "#: Thaw does not have the property [VpcConfig] of AWS::Lambda::Function: leave it out",
    );
  expect(problemOf(body('""').replace("VpcConfig", "Vpc"))).toContain("extraneous key [Vpc] is not permitted");
  expect(problemOf(body('""').replace("VpcConfig", "PackageType").replace('""', "Tar"))).toBe(
    "Properties validation failed for resource F with message:\n#/PackageType: Thaw does not have [Tar]: make it a Zip",
  );
  expect(problemOf(body('""').replace("VpcConfig", "PackageType").replace('""', "Zip"))).toBeNull();
});

it("parameters of SSM are told, then taken", () => {
  const body = `
Parameters:
  Ami: { Type: "AWS::SSM::Parameter::Value<String>", Default: /ami }
  Nets: { Type: "AWS::SSM::Parameter::Value<List<String>>" }
Resources: { ${ROLE} }`;
  const given = { Nets: "/nets" };
  expect(neededSsmParameters(parseTemplate(body, "t"), given)).toEqual(["/ami", "/nets"]);
  const ssm = new Map([
    ["/ami", "ami-1"],
    ["/nets", "a,b"],
  ]);
  expect(preparedOf(body, { parameters: given, ssm }).parameters).toEqual({
    Ami: { value: "ami-1", given: "/ami", resolved: "ami-1", isSecret: false },
    Nets: { value: ["a", "b"], given: "/nets", resolved: "a,b", isSecret: false },
  });
});

it.for([
  [
    "Resources: { A: { Type: AWS::Nope::X }, B: { Type: Foo::Y } }",
    "Unrecognized resource types: [AWS::Nope::X, Foo::Y]",
  ],
  [
    "Resources: { A: { Type: AWS::Cognito::UserPool }, B: { Type: AWS::Cognito::UserPool } }",
    "The template has resources of types that Thaw refuses: AWS::Cognito::UserPool (A, B): Thaw has no user pools.",
  ],
  [
    "Resources: { F: { Type: AWS::Lambda::Function, Properties: { Nope: 1, Code: { S3Bucket: b, Zap: 1 } } } }",
    "Properties validation failed for resource F with message:\n#: required key [Role] not found\n#: extraneous key [Nope] is not permitted\n#/Code: extraneous key [Zap] is not permitted",
  ],
  [
    `Resources: { ${ROLE} }\nOutputs: { O: { Value: !GetAtt R.Nope } }`,
    "Template error: resource R does not support attribute type Nope in Fn::GetAtt",
  ],
  [
    "Conditions: { C: !Equals [a, b] }\nResources: { A: { Type: AWS::IAM::Role, Condition: C }, B: { Type: Custom::Thing, Properties: { X: !Ref A } } }",
    "Template format error: Unresolved resource dependencies [A] in the Resources block of the template",
  ],
  [
    "Resources: { B: { Type: Custom::Thing, Properties: { X: { Y: [a, null] } } } }",
    "[/Resources/B/Properties/X/Y/1] 'null' values are not allowed in templates",
  ],
  [
    "Resources: { B: { Type: Custom::Thing, Properties: { X: !Select [3, [a]] } } }",
    "Template error: Fn::Select  cannot select nonexistent value at index 3",
  ],
  ["Resources: { B: { Type: Custom::Thing, Properties: { X: !ImportValue Far } } }", "No export named Far found."],
  [
    "Resources: { B: { Type: Custom::Thing, DeletionPolicy: Snapshot } }",
    "Template error: resource type Custom::Thing does not support deletion policy Snapshot",
  ],
  [
    "Resources: { B: { Type: Custom::Thing, CreationPolicy: { ResourceSignal: {} } } }",
    "Template error: Resources.B.CreationPolicy is not supported by Thaw: nothing signals a stack. Leave it out",
  ],
  [
    "Resources: { B: { Type: Custom::Thing, UpdatePolicy: { AutoScalingRollingUpdate: {} } } }",
    "Template error: Resources.B.UpdatePolicy.AutoScalingRollingUpdate is not supported by Thaw",
  ],
  [
    "Resources: { B: { Type: Custom::Thing, DeletionPolicy: Keep } }",
    "Template format error: Unrecognized DeletionPolicy Keep for resource B",
  ],
  [
    `Rules: { Stage: { Assertions: [{ Assert: !Equals [a, b], AssertDescription: a is b }] } }\nResources: { ${ROLE} }`,
    "Template error: Rules.Stage is not met: a is b",
  ],
] as const)("%s is refused", ([body, problem]) => {
  expect(problemOf(body)).toContain(problem);
});

it("conditions let resources come and go, with the references of branches that are not taken", () => {
  const body = `
Parameters: { Stage: { Type: String } }
Conditions: { IsProd: !Equals [!Ref Stage, prod] }
Resources:
  A: { Type: AWS::IAM::Role, Condition: IsProd }
  B: { Type: Custom::Thing, DependsOn: A, Properties: { X: !If [IsProd, !GetAtt A.Arn, none] } }
Outputs: { O: { Condition: IsProd, Value: !Ref A }, P: { Value: !If [IsProd, !Ref A, none] } }`;
  const of = (stage: string) => preparedOf(body, { parameters: { Stage: stage } });
  expect(Object.keys(of("dev").resources)).toEqual(["B"]);
  expect(of("dev").resources["B"]?.needs).toEqual([]);
  expect(Object.keys(of("dev").outputs)).toEqual(["P"]);
  expect(of("prod").resources["B"]?.needs).toEqual(["A"]);
});

it("NoEcho values are marks in what is stored, decide conditions all the same, and are filled in again", () => {
  const body = `
Parameters: { Password: { Type: String, NoEcho: true } }
Conditions: { Has: !Not [!Equals [!Ref Password, ""]] }
Resources: { B: { Type: Custom::Thing, Condition: Has, Properties: { X: !Sub "user:\${Password}", P: "{{resolve:ssm:/a}}" } } }`;
  const { prepared, secrets } = prepareText(body, { parameters: { Password: "hunter2" } });
  expect(JSON.stringify(prepared)).not.toContain("hunter2");
  expect(secrets).toEqual([{ name: "Password", digest: "digest7", value: "hunter2" }]);
  expect(prepared.parameters["Password"]?.given).toBe("****");
  const resource = prepared.resources["B"];
  if (resource === undefined) throw new Error("B is missing");
  const nothing = { ref: () => undefined, attribute: () => undefined };
  const { properties } = evaluateResource(prepared, "B", resource, nothing);
  expect(hideSecrets(properties)).toEqual({ X: "user:****", P: "{{resolve:ssm:/a}}" });
  expect(fillSecrets(properties, (name, digest) => `<${name} ${digest}>`)).toMatchObject({
    X: "user:<Password digest7>",
  });
});

it.for(["!Split [',', !Ref P]", "!Base64 {Ref: P}", "{Fn::ToJsonString: {a: !Ref P}}"])(
  "%s can't look into a NoEcho value",
  (call) => {
    const body = `Parameters: { P: { Type: String, NoEcho: true } }\nResources: { B: { Type: Custom::Thing, Properties: { X: ${call} } } }`;
    expect(problemOf(body, { parameters: { P: "a" } })).toContain("a value of a NoEcho parameter");
  },
);

it("pseudo parameters and imports have their values, and imports are told", () => {
  const names = ["AccountId", "Region", "Partition", "StackId", "StackName", "URLSuffix"];
  const body = `Resources: { B: { Type: Custom::Thing, Properties: { X: !Sub "${names.map((name) => `\${AWS::${name}}`).join(" ")}", N: !Ref AWS::NoValue, T: !Ref AWS::NotificationARNs, I: !ImportValue far } } }`;
  const prepared = preparedOf(body, {
    exports: new Map([
      ["far", "value"],
      ["other", "x"],
    ]),
    place: { ...PLACE, notificationArns: ["arn:topic"] },
  });
  const resource = prepared.resources["B"];
  if (resource === undefined) throw new Error("B is missing");
  const nothing = { ref: () => undefined, attribute: () => undefined };
  expect(evaluateResource(prepared, "B", resource, nothing).properties).toEqual({
    X: `123456789012 eu-west-1 aws ${PLACE.stackId} shop amazonaws.com`,
    T: ["arn:topic"],
    I: "value",
  });
  expect(prepared.imports).toEqual({ far: "value" });
});

it.for([
  ['"Condition": false', "Template format error: Every Condition member must be a string."],
  ['"DependsOn": [1]', "Template format error: Every DependsOn value must be a string."],
  [
    '"Properties": { "P": { "Fn::If": [true, 1, 2] } }',
    "Template error: Resources.A.Properties.P has Fn::If whose first argument is not the name of a condition",
  ],
] as const)("%s is no name", ([member, message]) => {
  expect(problemOf(`{ "Resources": { "A": { "Type": "Custom::Thing", ${member} } } }`)).toBe(message);
});

it("a condition that YAML 1.1 would read as a truth value is one", () => {
  const body = "Conditions: { No: !Equals [a, b] }\nResources: { A: { Type: Custom::Thing, Condition: No } }";
  expect(preparedOf(body).resources).toEqual({});
});

it("limits what functions make of all properties together", () => {
  const text = { "Fn::Join": ["x".repeat(10_000), "y".repeat(700).split("")] };
  const body = (count: number): string =>
    JSON.stringify({
      Resources: Object.fromEntries(
        Array.from({ length: count }, (_, at) => [`A${at}`, { Type: "Custom::Thing", Properties: { P: text } }]),
      ),
    });
  expect(problemOf(body(2))).toBeNull();
  expect(problemOf(body(3))).toBe(
    "Template error: the properties of all resources have more than 16777216 characters together",
  );
});
