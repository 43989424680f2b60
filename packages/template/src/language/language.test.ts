/** The functions of the language, by what reaches a function's variables. */
import { describe, it } from "vitest";
import { planTemplate, type PlanOptions } from "../plan.ts";
import type { Plan } from "../planned.ts";
import { parseTemplate } from "../template.ts";

function plan(text: string, options: Partial<PlanOptions> = {}): Plan {
  return planTemplate(parseTemplate(text, "template"), {
    region: "eu-west-1",
    accountId: "123456789012",
    stackName: "shop",
    overrides: {},
    ...options,
  });
}

const HEAD = `
Transform: [AWS::LanguageExtensions, AWS::Serverless-2016-10-31]
Parameters:
  Stage: { Type: String, Default: dev }
  Names: { Type: CommaDelimitedList, Default: "one, two" }
  Ami: { Type: "AWS::SSM::Parameter::Value<String>", Default: /my/ami }
Mappings:
  Sizes: { dev: { Mem: 256, Zones: [a, b] }, prod: { Mem: 512 } }
Conditions:
  IsProd: !Equals [!Ref Stage, prod]
  IsOther: !Not [!Condition IsProd]
  Both: !And [!Condition IsProd, !Or [!Equals [a, b], !Not [!Condition IsOther]]]
  IsAmi: !Equals [!Ref Ami, x]
`;

function withValue(value: string): string {
  return `${HEAD}
Resources:
  Gone: { Type: AWS::DynamoDB::Table, Condition: IsProd }
  G: { Type: AWS::Lambda::Function, Properties: { Code: src, Handler: h, Runtime: nodejs24.x } }
  V: { Type: AWS::Lambda::Version, Properties: { FunctionName: !Ref G } }
  A: { Type: AWS::Lambda::Alias, Properties: { FunctionName: !Ref G, FunctionVersion: !GetAtt V.Version, Name: live } }
  F:
    Type: AWS::Serverless::Function
    Properties:
      Handler: h
      Runtime: nodejs24.x
      AutoPublishAlias: now
      Environment:
        Variables:
          X: ${value}
`;
}

function variable(value: string): unknown {
  const { functions, problems } = plan(withValue(value));
  const [problem] = problems;
  if (problem !== undefined) return `${problem.kind}: ${problem.reason}`;
  const environment = functions.find(({ logicalId }) => logicalId === "F")?.config["Environment"];
  return (environment as { Variables: Record<string, unknown> }).Variables["X"];
}

const VALUES: ReadonlyArray<readonly [string, string | undefined]> = [
  [
    '!Sub ["${a}-${!lit}-${AWS::Region}-${G.Arn}", { a: !Join ["-", [!Ref Stage, !Select [0, !Split [",", "x,y"]]]] }]',
    "dev-x-${lit}-eu-west-1-arn:aws:lambda:eu-west-1:123456789012:function:shop-G",
  ],
  ["!Select [1, !Ref Names]", "two"],
  ["!Select ['1', [a, b]]", "b"],
  ["!Join ['/', !Ref Names]", "one/two"],
  ["!Join ['/', [a, !Ref AWS::NoValue, b]]", "a/b"],
  ["!Join ['/', []]", ""],
  ["!FindInMap [Sizes, !Ref Stage, Mem]", "256"],
  ["!Select [1, !FindInMap [Sizes, dev, Zones]]", "b"],
  ["!FindInMap [Sizes, test, Mem, { DefaultValue: 7 }]", "7"],
  ["!If [IsProd, !ImportValue other, !If [IsOther, yes it is, x]]", "yes it is"],
  ["!If [Both, set, !Ref AWS::NoValue]", undefined],
  ["!Base64 { Ref: Stage }", "ZGV2"],
  ["!Select [1, !Cidr [10.1.2.3/16, 4, 8]]", "10.1.1.0/24"],
  ["!Select [2, !Cidr ['2001:db8::/56', 3, 64]]", "2001:db8:0:2::/64"],
  ["!Select [2, !GetAZs '']", "eu-west-1c"],
  ["{ Fn::Length: !Ref Names }", "2"],
  ["{ Fn::ToJsonString: { a: !Ref Stage, n: 1, l: [true] } }", '{"a":"dev","n":1,"l":[true]}'],
  ["!Ref A", "arn:aws:lambda:eu-west-1:123456789012:function:shop-G:live"],
  ["!Ref F.Alias", "arn:aws:lambda:eu-west-1:123456789012:function:shop-F:now"],
  ["!Ref FAliasnow", "arn:aws:lambda:eu-west-1:123456789012:function:shop-F:now"],
  ["!Ref AWS::StackName", "shop"],
  ["'${Stage}'", "${Stage}"],
  ["!Sub '$${Stage}$'", "$dev$"],
];

const MISTAKES: ReadonlyArray<readonly [string, string]> = [
  ["!ImportValue other", "unsupported: has Fn::ImportValue other, which needs the export of another stack"],
  ["!Join ['', ['{{resolve:ssm', ':/p}}']]", "unsupported: has the dynamic reference {{resolve:ssm:/p}}"],
  [
    "!Sub '{{resolve:secretsmanager:${Stage}}}'",
    "unsupported: has the dynamic reference {{resolve:secretsmanager:dev}}",
  ],
  ["!Ref Ami", "unsupported: needs the parameter Ami, which names an SSM parameter"],
  ["!If [IsAmi, a, b]", "unsupported: depends on the condition IsAmi"],
  [
    "!Transform { Name: AWS::Include, Parameters: { Location: s3://b/k } }",
    "unsupported: has Fn::Transform AWS::Include",
  ],
  ["!GetAtt V.Version", "unsupported: needs the number of a version"],
  ["!Ref Gone", "error: refers to Gone, whose condition is false"],
  ["!Ref Nowhere", "error: refers to Nowhere, which is not in the template"],
  ["!GetAtt G.Nothing", "error: needs G.Nothing, which a function does not have"],
  ["!Select [2, !Ref Names]", "error: has Fn::Select that cannot select nonexistent value at index 2"],
  ["!FindInMap [Sizes, dev, Nope]", "error: has Fn::FindInMap - Key 'Nope' not found in Mapping 'Sizes'"],
  ["!If [Nope, a, b]", "error: names the condition Nope"],
  ["!Sub '${a b}'", "error: has Fn::Sub with ${a b}"],
  ["!Sub '${Names}'", "error: has Fn::Sub with ${Names}, which is no text"],
  ["{ Fn::Nope: 1 }", "error: has Fn::Nope, which is no function"],
  ["{ Fn::Sub: a, Other: b }", "error: must be the only key of its map"],
  ["!Cidr [10.0.0.0/28, 4, 8]", "error: has Fn::Cidr with 4 blocks, more than 10.0.0.0/28 has"],
  ["[a]", "error: must be a text"],
  ["", "error: is null"],
];

describe("functions", () => {
  it.for(VALUES)("%s is %j", ([value, expected], { expect }) => {
    expect(variable(value)).toBe(expected);
  });

  it.for(MISTAKES)("%s: %s", ([value, expected], { expect }) => {
    expect(String(variable(value))).toContain(expected.split(": ").slice(1).join(": "));
    expect(String(variable(value)).split(":")[0]).toBe(expected.split(":")[0]);
  });
});

it("deploys nothing under a false condition, and all under a true one", ({ expect }) => {
  const text = `${HEAD}
Resources:
  Always: { Type: AWS::Serverless::Function, Properties: { Handler: h, Runtime: nodejs24.x, MemorySize: !If [IsProd, 1024, 256] } }
  Only: { Type: AWS::Serverless::Function, Condition: IsProd, Properties: { Handler: h, Runtime: nodejs24.x, Nonsense: 1 } }
Outputs:
  Only: { Condition: IsProd, Value: !Ref Only }
  Always: { Value: !Ref Always }
`;
  const dev = plan(text);
  expect([dev.functions.map(({ name }) => name), dev.outputs]).toEqual([["shop-Always"], { Always: "shop-Always" }]);
  expect([dev.functions[0]?.config["MemorySize"], dev.problems.length]).toEqual([256, 0]);
  const prod = plan(text, { overrides: { Stage: "prod" } });
  expect(prod.functions.map(({ name }) => name)).toEqual(["shop-Always", "shop-Only"]);
  expect(prod.functions[0]?.config["MemorySize"]).toBe(1024);
  expect(prod.problems.map(({ place }) => place)).toContain("Resources.Only.Nonsense");
});

it("finds conditions that depend on themselves", ({ expect }) => {
  const { problems } = plan("Conditions: { A: !Not [!Condition B], B: !Not [!Condition A] }\nResources: {}");
  expect(problems).toContainEqual({ place: "Conditions.A", reason: "depends on itself", kind: "error" });
});

describe("Fn::ForEach", () => {
  const text = `
Transform: AWS::LanguageExtensions
Parameters: { Names: { Type: CommaDelimitedList, Default: "orders,stock" } }
Resources:
  Fn::ForEach::Functions:
    - Name
    - !Ref Names
    - "F\${Name}":
        Type: AWS::Lambda::Function
        Properties:
          FunctionName: !Sub "\${Name}-fn"
          Code: "src/\${Name}"
          Handler: h
          Runtime: nodejs24.x
          Environment: { Variables: { NAME: !Ref Name, "Fn::ForEach::V": [Key, [a, b], { "K_\${Key}": !Sub "\${Key}-\${Name}" }] } }
Outputs:
  Fn::ForEach::Arns: [Name, !Ref Names, { "Arn\${Name}": { Value: !GetAtt ["F\${Name}", Arn] } }]
`;

  it("is unrolled in resources, properties and outputs", ({ expect }) => {
    const { functions, outputs, problems } = plan(text);
    expect(problems).toEqual([]);
    expect(functions).toMatchObject([
      {
        name: "orders-fn",
        code: { path: "src/orders" },
        config: { Environment: { Variables: { NAME: "orders", K_a: "a-orders", K_b: "b-orders" } } },
      },
      { name: "stock-fn", code: { path: "src/stock" } },
    ]);
    expect(Object.keys(outputs)).toEqual(["Arnorders", "Arnstock"]);
  });

  it("has a limit, which loops inside loops do not pass", ({ expect }) => {
    const list = `[${Array.from({ length: 100 }, (_, at) => at).join(", ")}]`;
    const loop = (depth: number): string =>
      depth === 0 ? "x: y" : `Fn::ForEach::L${depth}: [I${depth}, ${list}, { ${loop(depth - 1)} }]`;
    const { problems } = plan(`Resources: {}\nOutputs: { ${loop(4)} }`);
    expect(problems.map(({ reason }) => reason)).toContain("makes more than 10000 parts");
  });
});

describe("parameters", () => {
  const CASES: ReadonlyArray<readonly [string, string | null, string | null]> = [
    ["{ Type: String, AllowedValues: [dev, prod] }", "dev", null],
    ["{ Type: String, AllowedValues: [dev, prod] }", "x", "must be one of AllowedValues: dev, prod"],
    [
      "{ Type: String, AllowedPattern: '[a-z]+', ConstraintDescription: small letters }",
      "aB",
      "must match pattern [a-z]+: small letters",
    ],
    ["{ Type: String, AllowedPattern: '[\\p{Alpha}_]{2,}' }", "a_B", null],
    ["{ Type: String, AllowedPattern: '\\p{Digit}{3}' }", "12a", "must match pattern"],
    ["{ Type: String, AllowedPattern: '(a+)+b' }", "a".repeat(60), "must match pattern"],
    ["{ Type: String, MinLength: 2 }", "a", "must contain at least 2 characters"],
    ["{ Type: String, MaxLength: '2' }", "abc", "must contain at most 2 characters"],
    ["{ Type: Number, MaxValue: 5 }", "6", "must be a number not greater than 5"],
    ["{ Type: Number, MinValue: 5 }", "-6.5", "must be a number not less than 5"],
    ["{ Type: Number }", "many", "must be a number"],
    ["{ Type: List<Number> }", "1, 2", null],
    ["{ Type: List<Number> }", "1,b", "must be a number"],
    ["{ Type: CommaDelimitedList, AllowedValues: [a, b] }", "a,c", "must be one of AllowedValues"],
    ["{ Type: List<AWS::EC2::Subnet::Id> }", "subnet-1,subnet-2", null],
    ["{ Type: Nonsense }", "a", "must be a type of CloudFormation's parameters"],
    ["{ Type: String, Defualt: a }", "a", "is no member of a parameter"],
    ["{ Type: String }", null, "has no default"],
    ["{ Type: Number, Default: 9, MaxValue: 5 }", null, "must be a number not greater than 5"],
  ];

  it.for(CASES)("%s, given %s: %s", { timeout: 20_000 }, ([declared, value, expected], { expect }) => {
    const overrides = value === null ? {} : { P: value };
    const { problems } = plan(`Parameters: { P: ${declared} }\nResources: {}`, { overrides });
    if (expected === null) expect(problems).toEqual([]);
    else
      expect(problems).toEqual([
        expect.objectContaining({ kind: "error", reason: expect.stringContaining(expected) as string }),
      ]);
  });

  it("never shows a value of NoEcho", ({ expect }) => {
    const { problems } = plan("Parameters: { P: { Type: String, NoEcho: true, MinLength: 20 } }\nResources: {}", {
      overrides: { P: "hunter2" },
    });
    expect(JSON.stringify(problems)).toContain("****");
    expect(JSON.stringify(problems)).not.toContain("hunter2");
  });
});

it("checks rules, and notes those that need what only AWS knows", ({ expect }) => {
  const { problems, notes } = plan(`${HEAD}
Rules:
  Known: { Assertions: [{ Assert: { Fn::Contains: [[prod], { Ref: Stage }] }, AssertDescription: only prod }] }
  Skipped: { RuleCondition: !Equals [!Ref Stage, prod], Assertions: [{ Assert: { Fn::Equals: [a, b] } }] }
  Version: { Assertions: [{ Assert: { Fn::Not: [{ Fn::Contains: [["1"], { Ref: Ami }] }] } }] }
Resources: {}
`);
  expect(problems.filter(({ place }) => place.startsWith("Rules"))).toEqual([
    { place: "Rules.Known", reason: "is not met: only prod", kind: "error" },
  ]);
  expect(notes.map(({ place }) => place)).toEqual(["Conditions.IsAmi", "Rules.Version.Assertions[0][0]"]);
});

it("gives variables the values of --env-vars before anything is evaluated", ({ expect }) => {
  const environment = { Parameters: { X: "all" }, F: { X: "own", Y: "not declared" }, Other: { X: "1" } };
  const { functions, problems, notes } = plan(withValue("!ImportValue other"), { environment });
  expect(problems.filter(({ place }) => place.includes("Variables"))).toEqual([]);
  expect(functions.find(({ logicalId }) => logicalId === "F")?.config["Environment"]).toEqual({
    Variables: { X: "own" },
  });
  expect(notes.map(({ place }) => place)).toEqual(expect.arrayContaining(["--env-vars F.Y", "--env-vars Other"]));
});
