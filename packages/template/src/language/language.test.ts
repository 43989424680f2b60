/** The functions of the language, and what of a template is known without a stack. */
import { describe, it, vi } from "vitest";
import { CommandError } from "@thaw/installation/command-error";
import { type LocalValues, readLocally } from "../local-values.ts";
import type { Note, Problem, Report } from "../problem.ts";
import { parseTemplate } from "../template.ts";
import { isTemplateMap, type TemplateMap, type TemplateValue } from "../value.ts";
import { Evaluator, type Scope } from "./evaluator.ts";
import { UNRESOLVED } from "./outcome.ts";
import { checkRules } from "./rules.ts";

interface Found {
  readonly values: LocalValues;
  readonly problems: readonly Problem[];
  readonly notes: readonly Note[];
}

function collect(): Report & Pick<Found, "problems" | "notes"> {
  const problems: Problem[] = [];
  const notes: Note[] = [];
  return {
    problems,
    notes,
    error: (place, reason) => void problems.push({ place, reason, kind: "error" }),
    unsupported: (place, reason) => void problems.push({ place, reason, kind: "unsupported" }),
    note: (place, text) => void notes.push({ place, text }),
  };
}

function read(text: string, parameters: Readonly<Record<string, string>> = {}): Found {
  const report = collect();
  const place = { region: "eu-west-1", accountId: "123456789012", stackName: "shop" };
  return { values: readLocally(parseTemplate(text, "template"), { ...place, parameters }, report), ...report };
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

function variable(value: string): unknown {
  const { values, problems } = read(`${HEAD}\nResources: { F: { Type: x, Properties: {\n X: ${value} \n} } }`);
  const known = values.value(member(values.resources, "F", "Properties", "X"));
  const [problem] = problems;
  if (problem !== undefined) return `${problem.kind}: ${problem.reason}`;
  return known === undefined || known === UNRESOLVED ? known : String(known);
}

function member(map: TemplateMap, ...path: readonly string[]): TemplateValue {
  return path.reduce((value: TemplateValue, key) => (isTemplateMap(value) ? (value[key] ?? null) : null), map);
}

const VALUES: ReadonlyArray<readonly [string, string | undefined]> = [
  [
    '!Sub ["${a}-${!lit}-${AWS::Region}", { a: !Join ["-", [!Ref Stage, !Select [0, !Split [",", "x,y"]]]] }]',
    "dev-x-${lit}-eu-west-1",
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
  ["!Ref AWS::StackName", "shop"],
  ["'${Stage}'", "${Stage}"],
  ["!Sub '$${Stage}$'", "$dev$"],
];

const MISTAKES: ReadonlyArray<readonly [string, string]> = [
  [
    "!Transform { Name: AWS::Include, Parameters: { Location: s3://b/k } }",
    "unsupported: has Fn::Transform AWS::Include",
  ],
  ["!Select [2, !Ref Names]", "error: has Fn::Select that cannot select nonexistent value at index 2"],
  ["!FindInMap [Sizes, dev, Nope]", "error: has Fn::FindInMap - Key 'Nope' not found in Mapping 'Sizes'"],
  ["!If [Nope, a, b]", "error: names the condition Nope"],
  ["!Sub '${a b}'", "error: has Fn::Sub with ${a b}"],
  ["!Sub '${Names}'", "error: has Fn::Sub with ${Names}, which is no text"],
  ["{ Fn::Nope: 1 }", "error: has Fn::Nope, which is no function"],
  ["{ Fn::Sub: a, Other: b }", "error: must be the only key of its map"],
  ["!Cidr [10.0.0.0/28, 4, 8]", "error: has Fn::Cidr with 4 blocks, more than 10.0.0.0/28 has"],
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

/** A call that has itself twice, one in the other. */
function nested(depth: number, around: (inner: unknown) => unknown): string {
  let value: unknown = "ab";
  for (let at = 0; at < depth; at++) value = around(value);
  return JSON.stringify(value);
}

const GROWING: ReadonlyArray<readonly [string, string]> = [
  ["Fn::Sub", nested(60, (V) => ({ "Fn::Sub": ["${V}${V}", { V }] }))],
  ["Fn::ToJsonString", nested(90, (V) => ({ "Fn::ToJsonString": { '"': V } }))],
  ["a delimiter", JSON.stringify({ "Fn::Join": ["x".repeat(10_000), "y".repeat(1000).split("")] })],
];

describe("functions make a limited number of characters", () => {
  it.for(GROWING)("%s", ([, value], { expect }) => {
    expect(variable(value)).toMatch(/^error: makes, with what is beside it, more than 8388608 characters$/);
  });

  it("once for all calls of a value", ({ expect }) => {
    const big = JSON.stringify({ "Fn::Join": ["x".repeat(1000), "y".repeat(1000).split("")] });
    const { problems, values } = read(
      `${HEAD}\nResources: { F: { Type: x, Properties: { L: [${`${big},`.repeat(20)}] } } }`,
    );
    values.value(member(values.resources, "F", "Properties", "L"));
    expect(problems.map(({ reason }) => reason)).toEqual([
      "makes, with what is beside it, more than 8388608 characters",
    ]);
  });
});

it("reads a text without ends of variables in a time that grows as its length", ({ expect }) => {
  const text = "${".repeat(200_000);
  expect(variable(JSON.stringify({ "Fn::Sub": text }))).toBe(text);
});

it("takes no functions in mappings: one could name its own place", ({ expect }) => {
  const mapping = "Mappings: { M: { a: { b: !FindInMap [M, a, b], c: [[x]] } } }";
  for (const key of ["b", "c"]) {
    const { problems, values } = read(`${mapping}\nResources: { F: { Type: x } }`);
    expect(values.value({ "Fn::FindInMap": ["M", "a", key] })).toBe(UNRESOLVED);
    expect(problems.map(({ reason }) => reason)).toEqual([
      "has Fn::FindInMap of M, whose values must be texts or lists of texts",
    ]);
  }
});

it("leaves to the stack what needs resources, other stacks or SSM", ({ expect }) => {
  const { values, problems } = read(`${HEAD}\nResources: {}`);
  const unknown: readonly TemplateValue[] = [
    { Ref: "Nowhere" },
    { "Fn::GetAtt": ["F", "Arn"] },
    { Ref: "Ami" },
    { "Fn::If": ["IsAmi", "a", "b"] },
    { "Fn::ImportValue": "other" },
  ];
  expect(unknown.map((value) => values.value(value))).toEqual(unknown.map(() => UNRESOLVED));
  expect(problems.filter(({ kind }) => kind === "error")).toEqual([]);
  const reference = "{{resolve:ssm:/p}}";
  expect(values.value({ "Fn::Join": ["", ["{{resolve:ssm", ":/p}}"]] })).toBe(reference);
});

it("tells what is under a false condition, and what may not be", ({ expect }) => {
  const text = `${HEAD}
Resources:
  Always: { Type: x }
  Only: { Type: x, Condition: IsProd }
  Perhaps: { Type: x, Condition: IsAmi }
`;
  const present = ({ values }: Found): readonly string[] =>
    Object.entries(values.resources).flatMap(([id, resource]) => (values.isPresent(resource) ? [id] : []));
  expect(present(read(text))).toEqual(["Always", "Perhaps"]);
  expect(present(read(text, { Stage: "prod" }))).toEqual(["Always", "Only", "Perhaps"]);
  expect(read(text).values.truthOf("IsAmi")).toBeUndefined();
});

it("finds conditions that depend on themselves", ({ expect }) => {
  const { values, problems } = read("Conditions: { A: !Not [!Condition B], B: !Not [!Condition A] }\nResources: {}");
  expect(values.truthOf("A")).toBeUndefined();
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
    const { values, problems } = read(text);
    expect(problems).toEqual([]);
    const [orders, stock] = Object.values(values.resources).map((each) => values.value(each));
    const variables = { NAME: "orders", K_a: "a-orders", K_b: "b-orders" };
    expect(orders).toMatchObject({ Properties: { FunctionName: "orders-fn", Environment: { Variables: variables } } });
    expect(stock).toMatchObject({ Properties: { FunctionName: "stock-fn", Code: "src/stock" } });
    expect(Object.keys(values.outputs)).toEqual(["Arnorders", "Arnstock"]);
  });

  it("has a limit, which loops inside loops do not pass", ({ expect }) => {
    const list = `[${Array.from({ length: 100 }, (_, at) => at).join(", ")}]`;
    const loop = (depth: number): string =>
      depth === 0
        ? "'x${I1}-${I2}-${I3}-${I4}': y"
        : `Fn::ForEach::L${depth}: [I${depth}, ${list}, { ${loop(depth - 1)} }]`;
    const readAll = (): unknown => read(`Resources: {}\nOutputs: { ${loop(4)} }`);
    expect(readAll).toThrow(CommandError);
    expect(readAll).toThrow("makes more than 10000 parts");
  });

  it.for([
    ["texts", JSON.stringify({ "${X}": `${"y".repeat(10_000)}\${X}` })],
    ["values", JSON.stringify({ "${X}": Array.from({ length: 500 }, () => []) })],
    ["items in one text", JSON.stringify({ "${X}": "${X}".repeat(50_000) })],
  ] as const)("limits what it makes of %s", ([, body], { expect }) => {
    const list = JSON.stringify(Array.from({ length: 1000 }, (_, at) => `${"n".repeat(100)}${at}`));
    const readAll = (): unknown => read(`Resources: {}\nOutputs: { Fn::ForEach::L: [X, ${list}, ${body}] }`);
    expect(readAll).toThrow("makes more than 4194304 characters");
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
    const { problems } = read(`Parameters: { P: ${declared} }\nResources: {}`, overrides);
    if (expected === null) expect(problems).toEqual([]);
    else
      expect(problems).toEqual([
        expect.objectContaining({ kind: "error", reason: expect.stringContaining(expected) as string }),
      ]);
  });

  it("never shows a value of NoEcho", ({ expect }) => {
    const { problems } = read("Parameters: { P: { Type: String, NoEcho: true, MinLength: 20 } }\nResources: {}", {
      P: "hunter2",
    });
    expect(JSON.stringify(problems)).toContain("****");
    expect(JSON.stringify(problems)).not.toContain("hunter2");
  });
});

it("checks rules", ({ expect }) => {
  const { rules } = parseTemplate(
    `Rules:
  Known: { Assertions: [{ Assert: { Fn::Contains: [[prod], { Ref: Stage }] }, AssertDescription: only prod }] }
  Skipped: { RuleCondition: !Equals [!Ref Stage, prod], Assertions: [{ Assert: { Fn::Equals: [a, b] } }] }
Resources: {}`,
    "template",
  );
  const report = collect();
  const scope: Scope = {
    region: "eu-west-1",
    mappings: {},
    refer: () => "dev",
    attribute: () => UNRESOLVED,
    condition: () => UNRESOLVED,
  };
  checkRules(rules, new Evaluator(scope, report), report);
  expect(report.problems).toEqual([{ place: "Rules.Known", reason: "is not met: only prod", kind: "error" }]);
});

it("an item of a long list is not looked for in the list", ({ expect }) => {
  const looks = vi.spyOn(Array.prototype, "indexOf");
  const text = `Resources: { A: { Type: a, Properties: { L: [${"yes,".repeat(1_000)}{a: 1, a: 2}] } } }`;
  try {
    const { reread, doubles } = parseTemplate(text, "template");
    expect(looks.mock.calls.length).toBeLessThan(100);
    expect(reread.size).toBe(1_000);
    expect([...reread.keys()].at(-1)).toBe("Resources.A.Properties.L[999]");
    expect(doubles).toEqual(["Resources.A.Properties.L[1000].a"]);
  } finally {
    looks.mockRestore();
  }
});
