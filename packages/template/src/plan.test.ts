import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, it } from "vitest";
import { planTemplate } from "./plan.ts";
import type { Plan } from "./planned.ts";
import { layerMark, versionMark } from "./marks.ts";
import { readTemplate } from "./template.ts";

let dir: string;

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "plan-test-"));
});

afterAll(() => rmSync(dir, { recursive: true }));

function plan(text: string, overrides: Record<string, string> = {}): Plan {
  const path = join(dir, "template.yml");
  writeFileSync(path, text);
  return planTemplate(readTemplate(path), {
    region: "eu-west-1",
    accountId: "123456789012",
    stackName: "shop",
    overrides,
  });
}

const SAM = `
Transform: AWS::Serverless-2016-10-31
Parameters:
  Stage: { Type: String, Default: dev }
  Memory: { Type: Number, Default: 512 }
Globals:
  Function:
    Runtime: java17
    Environment: { Variables: { STAGE: !Ref Stage, SHARED: "yes" } }
Resources:
  Orders:
    Type: AWS::Serverless::Function
    Metadata: { SamResourceId: Orders }
    Properties:
      FunctionName: !Sub "orders-\${Stage}"
      CodeUri: ./Orders
      Handler: a.B::c
      MemorySize: !Ref Memory
      AutoPublishAlias: live
      ReservedConcurrentExecutions: 5
      FileSystemConfigs: [{ Arn: arn:fs, LocalMountPath: /mnt/data }]
      Environment: { Variables: { ARN: !GetAtt Other.Arn } }
      SnapStart: { ApplyOn: PublishedVersions }
  Other:
    Type: AWS::Lambda::Function
    Properties:
      Code: { S3Bucket: b, S3Key: k }
      Handler: x
      Runtime: python3.13
      Role: !Sub "arn:\${AWS::Partition}:iam::\${AWS::AccountId}:role/r"
  OtherV1:
    Type: AWS::Lambda::Version
    Properties: { FunctionName: !Ref Other }
  OtherLive:
    Type: AWS::Lambda::Alias
    Properties:
      { FunctionName: !Ref Other, Name: live, FunctionVersion: !GetAtt OtherV1.Version, ProvisionedConcurrencyConfig: { ProvisionedConcurrentExecutions: 2 } }
Outputs:
  Url: { Value: !Join ["/", [a, !Ref Stage]] }
`;

describe("asynchronous invokes", () => {
  const FUNCTION = `
Transform: AWS::Serverless-2016-10-31
Resources:
  F:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: .
      Handler: a.b
      Runtime: python3.13
`;
  const QUEUE = "arn:aws:sqs:eu-west-1:123456789012:q";

  it("of a function of SAM are for its alias; its queue is Lambda's", ({ expect }) => {
    const { eventInvokes, functions, problems } = plan(`${FUNCTION}
      AutoPublishAlias: live
      RecursiveLoop: Allow
      DeadLetterQueue: { Type: SQS, TargetArn: "${QUEUE}" }
      EventInvokeConfig:
        MaximumRetryAttempts: 0
        DestinationConfig: { OnSuccess: { Type: Lambda, Destination: !GetAtt G.Arn } }
  G:
    Type: AWS::Lambda::Function
    Properties: { Code: { S3Bucket: b, S3Key: k }, DeadLetterConfig: { TargetArn: "${QUEUE}" } }
  Settings:
    Type: AWS::Lambda::EventInvokeConfig
    Properties: { FunctionName: !Ref G, Qualifier: $LATEST, MaximumEventAgeInSeconds: "60" }
`);
    expect(problems).toEqual([]);
    const Destination = "arn:aws:lambda:eu-west-1:123456789012:function:shop-G";
    const DestinationConfig = { OnSuccess: { Destination } };
    expect(eventInvokes).toEqual([
      { functionName: "shop-F", qualifier: "live", config: { MaximumRetryAttempts: 0, DestinationConfig } },
      { functionName: "shop-G", qualifier: "$LATEST", config: { MaximumEventAgeInSeconds: 60 } },
    ]);
    expect(functions).toMatchObject([
      { recursiveLoop: "Allow", config: { DeadLetterConfig: { TargetArn: QUEUE } } },
      { recursiveLoop: null, config: { DeadLetterConfig: { TargetArn: QUEUE } } },
    ]);
  });

  it.for([
    ["EventInvokeConfig: { DestinationConfig: { OnFailure: { Type: SQS } } }", "OnFailure", "can't make the SQS"],
    ["EventInvokeConfig: { MaximumRetries: 1 }", "MaximumRetries", "is no member of it"],
    ["EventInvokeConfig: { DestinationConfig: { OnError: { Destination: x } } }", "OnError", "is neither OnSuccess"],
    ["EventInvokeConfig: { DestinationConfig: { OnSuccess: {} } }", "OnSuccess", "needs a Destination"],
    ["EventInvokeConfig: { MaximumRetryAttempts: many }", "MaximumRetryAttempts", "must be a number"],
    ["EventInvokeConfig: {}", "EventInvokeConfig", "says neither retries nor destinations"],
    ["DeadLetterQueue: { Type: SQS }", "DeadLetterQueue", "needs a Type, SQS or SNS, and a TargetArn"],
  ] as const)("%s is refused by name", ([property, place, reason], { expect }) => {
    const { problems } = plan(`${FUNCTION}      ${property}\n`);
    expect(problems.find((each) => each.place.endsWith(place))?.reason).toContain(reason);
  });
});

describe("planTemplate", () => {
  it("understands functions, versions, aliases and their references", ({ expect }) => {
    const { functions, versions, aliases, outputs, problems } = plan(SAM, { Stage: "prod" });
    expect(problems).toEqual([]);
    expect(functions[0]).toMatchObject({
      name: "orders-prod",
      code: { kind: "path", path: "./Orders" },
      autoPublishAlias: "live",
      reservedConcurrency: 5,
      provisionedConcurrency: null,
      config: {
        FileSystemConfigs: [{ Arn: "arn:fs", LocalMountPath: "/mnt/data" }],
        Runtime: "java17",
        MemorySize: 512,
        SnapStart: { ApplyOn: "PublishedVersions" },
        Environment: {
          Variables: { STAGE: "prod", SHARED: "yes", ARN: "arn:aws:lambda:eu-west-1:123456789012:function:shop-Other" },
        },
      },
    });
    expect(functions[1]).toMatchObject({
      name: "shop-Other",
      code: { kind: "object", bucket: "b", key: "k" },
      config: { Role: "arn:aws:iam::123456789012:role/r" },
    });
    expect(versions).toMatchObject([{ logicalId: "OtherV1", functionName: "shop-Other" }]);
    expect(aliases).toMatchObject([
      { functionName: "shop-Other", name: "live", version: versionMark("OtherV1"), provisionedConcurrency: 2 },
    ]);
    expect(outputs).toEqual({ Url: "a/prod" });
  });

  it("lists what is not supported by resource and property, and drops nothing silently", ({ expect }) => {
    const { problems, notes, madeUp } = plan(`
Globals: { Api: { Cors: "*" } }
Hooks: {}
Resources:
  Table: { Type: AWS::DynamoDB::Table }
  Role: { Type: AWS::IAM::Role }
  F:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: .
      Handler: h
      Runtime: nodejs24.x
      Policies: [AWSLambdaBasicExecutionRole]
      Role: !GetAtt Role.Arn
      Events: { Get: { Type: Api } }
      Tiemout: 3
      ProvisionedConcurrencyConfig: { ProvisionedConcurrentExecutions: 2 }
      Environment: { Variables: { T: !Ref Table, A: !GetAtt Table.Arn, Z: !ImportValue z, Y: "{{resolve:ssm:/y}}" } }
`);
    expect(problems.map(({ kind, place }) => `${kind} ${place}`).toSorted()).toEqual([
      "error Resources.F.ProvisionedConcurrencyConfig",
      "error Resources.F.Tiemout",
      "unsupported Hooks",
      "unsupported Resources.F.Environment.Variables.Y",
      "unsupported Resources.F.Environment.Variables.Z",
      "unsupported Resources.F.Events",
      "unsupported Resources.Table",
    ]);
    expect(notes.map(({ place }) => place).toSorted()).toEqual([
      "Globals.Api",
      "Resources.F.Policies",
      "Resources.F.Role",
      "Resources.Role",
    ]);
    expect(madeUp.map(({ place, value }) => [place.split(".").at(-1), value])).toEqual([
      ["T", "Table"],
      ["A", "arn:aws:dynamodb:eu-west-1:123456789012:table/Table"],
    ]);
  });

  it("makes the events of Metadata.Thaw.Prime the package's thaw.prime.json, and says what is wrong with them", ({
    expect,
  }) => {
    const template = (metadata: string, code = "CodeUri: ."): string =>
      `Resources: { F: { Type: AWS::Serverless::Function, Metadata: ${metadata}, Properties: { ${code}, Handler: h, Runtime: nodejs24.x } } }`;
    const primes = (text: string): string | null | undefined => plan(text).functions[0]?.primes;
    expect(primes(template("{ SamResourceId: F }"))).toBeNull();
    expect(primes(template("{ Thaw: { Prime: { Events: [{ path: /a, n: 1 }, null] } } }"))).toBe(
      '{"events":[{"path":"/a","n":1},null],"times":1}\n',
    );
    expect(primes(template("{ Thaw: { Prime: { Events: [{}], Times: 3 } } }"))).toBe('{"events":[{}],"times":3}\n');
    const wrong = [
      "{ Thaw: x }",
      "{ Thaw: { Prime: {} } }",
      "{ Thaw: { Prime: { Events: [], Times: 0 } } }",
      "{ Thaw: { Prime: { Events: [], Time: 1 } } }",
    ];
    for (const metadata of [...wrong, "{ Thaw: { Other: 1 } }"])
      expect(plan(template(metadata)).problems).toEqual([
        expect.objectContaining({ place: "Resources.F.Metadata.Thaw" }),
      ]);
    expect(plan(template("{ Thaw: { Prime: { Events: [] } } }", "CodeUri: s3://b/k")).problems).toHaveLength(1);
  });

  it("says what a condition leaves out, and that code is not whole where a part of it is missing", ({ expect }) => {
    const { functions, notes, problems } = plan(`
Parameters: { Bucket: { Type: String } }
Conditions: { Never: !Equals [a, b] }
Resources:
  Table: { Type: AWS::DynamoDB::Table, Condition: Never }
  Gone: { Type: AWS::Serverless::Function, Condition: Never, Properties: { Handler: h, Runtime: nodejs24.x } }
  Half: { Type: AWS::Lambda::Function, Properties: { Handler: h, Runtime: nodejs24.x, Code: { S3Bucket: !Ref Bucket, S3Key: k } } }
  None: { Type: AWS::Lambda::Function, Properties: { Handler: h, Runtime: nodejs24.x } }
`);
    expect(functions).toEqual([]);
    expect(notes).toEqual(
      ["Table", "Gone"].map((id) => ({
        place: `Resources.${id}`,
        text: "is left out: its condition Never is not true",
      })),
    );
    expect(problems.map(({ place, reason }) => `${place} ${reason}`)).toEqual([
      "Parameters.Bucket has no default; give it with --parameter-overrides Bucket=VALUE",
      "Resources.Half.Code is not whole: a folder, a zip, or an object's S3Bucket and S3Key",
      "Resources.None.Code is needed: a folder, a zip, or an object's S3Bucket and S3Key",
    ]);
  });

  it("plans layers, and functions that name them", ({ expect }) => {
    const found = plan(`
Globals:
  LayerVersion: { PublishLambdaVersion: true }
  Function: { Layers: [!Ref Shared], Runtime: nodejs24.x, Handler: h, CodeUri: . }
Conditions: { Never: !Equals [a, b] }
Resources:
  Shared:
    Type: AWS::Serverless::LayerVersion
    Metadata: { BuildMethod: nodejs24.x }
    Properties: { ContentUri: shared, LayerName: !Sub "\${AWS::StackName}-x", RetentionPolicy: Delete, CompatibleRuntimes: [nodejs24.x], Description: 1.0 }
  Plain: { Type: AWS::Serverless::LayerVersion, Properties: { ContentUri: plain.zip } }
  Own: { Type: AWS::Lambda::LayerVersion, Properties: { Content: { S3Bucket: b, S3Key: k }, LicenseInfo: MIT } }
  Asset: { Type: AWS::Lambda::LayerVersion, Metadata: { "aws:asset:path": asset.a, "aws:asset:property": Content }, Properties: { Content: { S3Bucket: b, S3Key: k } } }
  F:
    Type: AWS::Serverless::Function
    Properties:
      Layers: [!GetAtt Own.LayerVersionArn, !If [Never, x, !Ref AWS::NoValue], "arn:aws:lambda:eu-west-1:123456789012:layer:made:4"]
      Environment: { Variables: { LAYER: !Ref Plain } }
Outputs:
  Layer: { Value: !Ref Shared }
`);
    const arn = (name: string, logicalId: string): string =>
      `arn:aws:lambda:eu-west-1:123456789012:layer:${name}:${layerMark(logicalId)}`;
    expect(found.problems).toEqual([]);
    expect(found.layers).toEqual([
      {
        logicalId: "Shared",
        name: "shop-x",
        config: { Description: "1.0", CompatibleRuntimes: ["nodejs24.x"] },
        code: { kind: "path", path: "shared" },
      },
      { logicalId: "Plain", name: "Plain", config: {}, code: { kind: "path", path: "plain.zip" } },
      {
        logicalId: "Own",
        name: "shop-Own",
        config: { LicenseInfo: "MIT" },
        code: { kind: "object", bucket: "b", key: "k" },
      },
      { logicalId: "Asset", name: "shop-Asset", config: {}, code: { kind: "path", path: "asset.a" } },
    ]);
    expect(found.functions[0]?.config).toMatchObject({
      Layers: [arn("shop-x", "Shared"), arn("shop-Own", "Own"), "arn:aws:lambda:eu-west-1:123456789012:layer:made:4"],
      Environment: { Variables: { LAYER: arn("Plain", "Plain") } },
    });
    expect(found.outputs).toEqual({ Layer: arn("shop-x", "Shared") });
    expect(found.notes.map(({ place }) => place).filter((place) => place !== "Resources.Shared.Description")).toEqual([
      "Resources.Shared.RetentionPolicy",
      "Resources.Shared.Metadata.BuildMethod",
      "Globals.LayerVersion",
    ]);
  });

  it("takes versions of objects", ({ expect }) => {
    const { problems, functions } = plan(`
Resources:
  F: { Type: AWS::Lambda::Function, Properties: { Code: { S3Bucket: b, S3Key: k, S3ObjectVersion: v }, Handler: h, Runtime: nodejs24.x } }
  G: { Type: AWS::Serverless::Function, Properties: { CodeUri: { Bucket: b, Key: k, Version: 7 }, Handler: h, Runtime: nodejs24.x } }
`);
    expect(problems).toEqual([]);
    expect(functions.map(({ code }) => code)).toEqual([
      { kind: "object", bucket: "b", key: "k", version: "v" },
      { kind: "object", bucket: "b", key: "k", version: "7" },
    ]);
  });

  it("plans container images, and refuses what the image brings", ({ expect }) => {
    const { problems, functions } = plan(`
Resources:
  Sam: { Type: AWS::Serverless::Function, Properties: { PackageType: Image, ImageUri: !Sub "r/sam:\${AWS::Region}", ImageConfig: { Command: [a.b] } } }
  Lambda: { Type: AWS::Lambda::Function, Properties: { PackageType: Image, Code: { ImageUri: "r/lambda:1" }, Role: r } }
  Untold: { Type: AWS::Serverless::Function, Properties: { ImageUri: "r/untold:1" } }
  Nameless: { Type: AWS::Serverless::Function, Properties: { PackageType: Image }, Metadata: { Dockerfile: Dockerfile } }
  Both: { Type: AWS::Serverless::Function, Properties: { PackageType: Image, ImageUri: "r/both:1", Runtime: nodejs24.x, Handler: h } }
`);
    const planned = functions.map(({ logicalId, code, config }) => [logicalId, code, config["ImageConfig"] ?? null]);
    expect(planned.slice(0, 3)).toEqual([
      ["Sam", { kind: "image", uri: "r/sam:eu-west-1" }, { Command: ["a.b"] }],
      ["Lambda", { kind: "image", uri: "r/lambda:1" }, null],
      ["Untold", { kind: "image", uri: "r/untold:1" }, null],
    ]);
    expect(functions.map(({ config }) => config["PackageType"])).toEqual(functions.map(() => "Image"));
    expect(problems.map(({ kind, place }) => `${kind} ${place}`)).toEqual([
      "error Resources.Nameless.ImageUri",
      "error Resources.Both.Runtime",
      "error Resources.Both.Handler",
    ]);
  });

  it("refuses layers that are not whole, not known, or not here", ({ expect }) => {
    const { problems, layers } = plan(`
Resources:
  None: { Type: AWS::Serverless::LayerVersion, Properties: { LayerName: n } }
  Half: { Type: AWS::Lambda::LayerVersion, Properties: { Content: { S3Bucket: b } } }
  Odd: { Type: AWS::Lambda::LayerVersion, Properties: { ContentUri: x, Content: { S3Bucket: b, S3Key: k, S3ObjectVersion: v }, CompatibleRuntimes: all } }
  F:
    Type: AWS::Lambda::Function
    Properties: { Code: src, Handler: h, Runtime: nodejs24.x, Layers: ["arn:aws:lambda:eu-west-1:580247275435:layer:LambdaInsightsExtension:14", plain, !GetAtt Odd.Size] }
`);
    expect(layers.map(({ logicalId }) => logicalId)).toEqual(["Odd"]);
    expect(problems.map(({ kind, place, reason }) => `${kind} ${place} ${reason}`)).toEqual([
      "error Resources.None.ContentUri is needed: a folder, a zip, or an object",
      "error Resources.Half.Content is not whole: a folder, a zip, or an object",
      "error Resources.Odd.ContentUri is no property of AWS::Lambda::LayerVersion",
      "error Resources.Odd.CompatibleRuntimes must be a list of texts",
      "error Resources.F.Layers[2] needs Odd.Size, which a layer does not have",
      "unsupported Resources.F.Layers[0] names arn:aws:lambda:eu-west-1:580247275435:layer:LambdaInsightsExtension:14, which is of another account or Region: publish it here",
      "error Resources.F.Layers[1] must be the ARN of a layer's version",
    ]);
  });

  it("asks for parameters without a default, and refuses unknown ones", ({ expect }) => {
    const { problems } = plan("Parameters: { A: { Type: String } }\nResources: {}", { B: "1" });
    expect(problems.map((problem) => problem.place)).toEqual(["Parameters.A", "Parameters.B"]);
  });

  it("leaves out what it can't resolve, whole, and says so; AWS::NoValue says nothing", ({ expect }) => {
    const found = plan(`
Resources:
  F:
    Type: AWS::Lambda::Function
    Properties:
      FunctionName: !Sub "f-\${Nowhere}"
      Code: src
      Handler: x
      Runtime: nodejs24.x
      Role: !GetAtt Role.Arn
      Description: !Ref AWS::NoValue
      Environment: { Variables: { KEPT: a, TABLE: !Ref Table, URL: !Join ["/", [b, !Ref Table]] } }
  V: { Type: AWS::Lambda::Version, Properties: { FunctionName: !Ref Table } }
  A: { Type: AWS::Lambda::Alias, Properties: { FunctionName: !Ref F, Name: live } }
Outputs:
  Url: { Value: !Sub "https://\${Api}.example" }
  Name: { Value: !Ref F }
`);
    expect(found.functions).toMatchObject([{ name: "shop-F" }]);
    expect(found.functions[0]?.config).toEqual({
      Handler: "x",
      Runtime: "nodejs24.x",
      Environment: { Variables: { KEPT: "a" } },
    });
    expect([found.versions, found.aliases, found.outputs]).toEqual([[], [], { Name: "shop-F" }]);
    expect(found.problems.map((problem) => problem.place)).toEqual([
      "Resources.F.FunctionName",
      "Resources.F.Role",
      "Resources.F.Environment.Variables.TABLE",
      "Resources.F.Environment.Variables.URL[1]",
      "Resources.V.FunctionName",
      "Resources.A.FunctionVersion",
      "Outputs.Url",
    ]);
    expect(found.problems.every(({ kind }) => kind === "error")).toBe(true);
  });
});
