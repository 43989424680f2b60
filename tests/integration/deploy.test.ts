/** `thaw deploy` again and again, `thaw diff` and `thaw delete`, on a real server. */
import { CloudFormationClient, DescribeStackResourcesCommand } from "@aws-sdk/client-cloudformation";
import {
  CreateAliasCommand,
  CreateFunctionCommand,
  DeleteFunctionCommand,
  GetAliasCommand,
  GetFunctionConfigurationCommand,
  GetFunctionEventInvokeConfigCommand,
  GetFunctionRecursionConfigCommand,
  LambdaClient,
  ListAliasesCommand,
  ListFunctionsCommand,
  ListTagsCommand,
} from "@aws-sdk/client-lambda";
import { ImageFolder } from "@thaw/server/testing/image-files";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, beforeEach, it } from "vitest";
import { startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { packageCode } from "@thaw/cli/deploy/package-code";
import { type Ran, runThaw } from "../support/cli.ts";

let server: ThawServer;
let lambda: LambdaClient;
let cloudFormation: CloudFormationClient;
let folder: string;

const images = new ImageFolder();

beforeAll(async () => {
  server = await startThaw({ args: ["--image-dir", images.path] });
  const { AWS_ACCESS_KEY_ID: accessKeyId = "", AWS_SECRET_ACCESS_KEY: secretAccessKey = "" } = server.env;
  const { endpoint } = server;
  const options = { endpoint, region: "us-east-1", credentials: { accessKeyId, secretAccessKey }, maxAttempts: 1 };
  lambda = new LambdaClient(options);
  cloudFormation = new CloudFormationClient(options);
});

afterAll(async () => {
  lambda?.destroy();
  cloudFormation?.destroy();
  await server?.remove();
  images.remove();
});

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "deploy"));
  mkdirSync(join(folder, "app"));
  writeFileSync(join(folder, "app/index.mjs"), "export const handler = async () => ({ ...process.env });\n");
  return () => rmSync(folder, { recursive: true });
});

const thaw = (...args: string[]): Promise<Ran> => runThaw(args, server.env, folder);

function template(resources: string, name = "template.yaml"): void {
  writeFileSync(
    join(folder, name),
    `Transform: AWS::Serverless-2016-10-31
Globals: { Function: { CodeUri: app, Handler: index.handler, Runtime: nodejs24.x } }
Resources:
${resources}`,
  );
}

/** Without the stack's name and the suffix that CloudFormation makes up. */
async function names(): Promise<readonly string[]> {
  const { Functions = [] } = await lambda.send(new ListFunctionsCommand({}));
  return Functions.map(({ FunctionName = "" }) => FunctionName)
    .filter((name) => name.startsWith(basename(folder)))
    .map((name) => name.slice(basename(folder).length + 1).replace(/-[A-Z0-9]{12}$/, ""))
    .toSorted();
}

const stackName = (): string => basename(folder);

async function functionOf(logicalId: string): Promise<string> {
  const all = await cloudFormation.send(new DescribeStackResourcesCommand({ StackName: stackName() }));
  const found = all.StackResources?.find((each) => each.LogicalResourceId === logicalId);
  return found?.PhysicalResourceId ?? "";
}

it("follows functions, aliases, tags and settings that go, and leaves alone what others have added", async ({
  expect,
}) => {
  template(`
  A:
    Type: AWS::Serverless::Function
    Properties: { Timeout: 9, Tags: { kept: one, gone: two }, LoggingConfig: { LogFormat: JSON }, KmsKeyArn: "", AutoPublishAlias: old, Description: text }
  B: { Type: AWS::Serverless::Function, DeletionPolicy: Retain, Properties: {} }
  C: { Type: AWS::Serverless::Function, Properties: {} }
`);
  const first = await thaw("deploy");
  expect(first.code, first.stderr).toBe(0);
  expect(first.stderr).toContain("+ ARole AWS::IAM::Role (recorded, does nothing here)");
  expect(await names()).toEqual(["A", "B", "C"]);
  const FunctionName = await functionOf("A");
  const { FunctionArn = "" } = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));
  await lambda.send(new CreateAliasCommand({ FunctionName, Name: "by-hand", FunctionVersion: "1" }));
  template(`
  A: { Type: AWS::Serverless::Function, Properties: { Tags: { kept: changed }, AutoPublishAlias: new } }
  L:
    Type: AWS::Lambda::Alias
    Properties: { FunctionName: !Ref A, FunctionVersion: !GetAtt A.Version.Version, Name: live, Description: for all }
`);
  const second = await thaw("deploy");
  expect(second.code, second.stderr).toBe(0);
  expect(second.stderr).toContain("- C AWS::Lambda::Function");
  expect(second.stderr).toMatch(/C AWS::Lambda::Function \S+: deleted/);
  expect(second.stderr).toContain("- B AWS::Lambda::Function (stays, and leaves the stack)");
  expect(await names()).toEqual(["A", "B"]);
  const config = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));
  expect(config).toMatchObject({ Timeout: 3, Description: "", LoggingConfig: { LogFormat: "Text" } });
  const tags = (await lambda.send(new ListTagsCommand({ Resource: FunctionArn }))).Tags ?? {};
  expect([tags["kept"], tags["gone"]]).toEqual(["changed", undefined]);
  const { Aliases = [] } = await lambda.send(new ListAliasesCommand({ FunctionName }));
  expect(Aliases.map(({ Name }) => Name)).toEqual(["by-hand", "live", "new"]);
  const live = await lambda.send(new GetAliasCommand({ FunctionName, Name: "live" }));
  expect(live).toMatchObject({ Description: "for all", FunctionVersion: "1" });
});

it("keeps templates of one folder apart, unless one name is given to both", async ({ expect }) => {
  template("  A: { Type: AWS::Serverless::Function, Properties: {} }\n");
  template("  B: { Type: AWS::Serverless::Function, Properties: {} }\n", "other.yaml");
  await thaw("deploy");
  const other = await thaw("deploy", "other.yaml");
  expect(other.stderr).toContain(`the stack ${stackName()}-other is made`);
  expect(await names()).toEqual(["A", "other-B"]);
  const both = await thaw("deploy", "other.yaml", "--stack-name", stackName());
  expect(both.stderr).toContain("- A AWS::Lambda::Function");
  expect(await names()).toEqual(["B", "other-B"]);
});

it("rolls back where a function can't be made, says why, and makes the stack anew next time", async ({ expect }) => {
  template(`
  Bad: { Type: AWS::Serverless::Function, Properties: { CodeUri: nowhere } }
  Good: { Type: AWS::Serverless::Function, Properties: {} }
`);
  const missing = await thaw("deploy");
  expect([missing.code, missing.stderr]).toEqual([1, expect.stringMatching(/Bad: .*nowhere is not there\. In /)]);
  expect(await names()).toEqual([]);
  template(`
  Good: { Type: AWS::Serverless::Function, Properties: {} }
  Wrong: { Type: AWS::Serverless::Function, DependsOn: Good, Properties: { MemorySize: 1 } }
`);
  const failed = await thaw("deploy");
  expect(failed.code).toBe(1);
  expect(failed.stderr).toMatch(
    /ended in ROLLBACK_COMPLETE; what was made is removed again\. The reason: Wrong .*[mM]emorySize/s,
  );
  expect(await names()).toEqual([]);
  template("  Good: { Type: AWS::Serverless::Function, Properties: {} }\n");
  const again = await thaw("deploy");
  expect([again.code, again.stderr]).toEqual([0, expect.stringContaining("what is left of it is removed first")]);
  expect(await names()).toEqual(["Good"]);
  template("  Good: { Type: AWS::Serverless::Function, Properties: { MemorySize: 1 } }\n");
  const back = await thaw("deploy");
  expect([back.code, back.stderr]).toEqual([1, expect.stringContaining("everything is as it was before")]);
});

it("takes over no function that is in no stack, or in another one", async ({ expect }) => {
  const FunctionName = `${stackName()}-own`;
  template(`  F: { Type: AWS::Serverless::Function, Properties: { FunctionName: ${FunctionName} } }\n`);
  const zip = await packageCode(folder, "app");
  const Role = "arn:aws:iam::000000000000:role/any";
  await lambda.send(
    new CreateFunctionCommand({
      FunctionName,
      Role,
      Runtime: "nodejs24.x",
      Handler: "index.handler",
      Code: { ZipFile: zip },
    }),
  );
  const taken = await thaw("deploy");
  expect(taken.code).toBe(1);
  expect(taken.stderr).toContain(`there is a function ${FunctionName} already, and it is in no stack`);
  expect((await thaw("delete")).stderr).toContain(`there is no stack ${stackName()}`);
  expect((await thaw("delete", FunctionName)).stderr).toContain(
    `there is no stack ${FunctionName}; ${FunctionName} is a function, which no stack has made`,
  );
  await lambda.send(new DeleteFunctionCommand({ FunctionName }));
  expect((await thaw("deploy")).code).toBe(0);
  expect((await thaw("delete", FunctionName)).stderr).toContain(
    `${FunctionName} is a function of the stack ${stackName()}. To remove that one: npx thaw delete ${stackName()}`,
  );
  expect((await thaw("delete", "nowhere")).stderr).toMatch(/there is no stack nowhere\. Those that are there: \S/);
  const other = await thaw("deploy", "--stack-name", `${stackName()}-2`);
  expect(other.stderr).toContain(`there is a function ${FunctionName} already, of the stack ${stackName()}`);
});

it("tells all exports and parameters at once that are not there, and of arm64 and runtimes", async ({ expect }) => {
  template(`
  F:
    Type: AWS::Serverless::Function
    Properties: { Environment: { Variables: { A: !ImportValue lost, B: "{{resolve:ssm:/lost}}", C: !If [Never, !ImportValue other, c] } } }
Conditions: { Never: !Equals [a, b] }
`);
  const refused = await thaw("deploy");
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain("Variables.A has Fn::ImportValue lost, which no stack exports");
  expect(refused.stderr).toContain("Variables.B has {{resolve:ssm:/lost}}, and SSM has no such parameter");
  expect(refused.stderr).not.toContain("other");
  const ruby = "  F: { Type: AWS::Serverless::Function, Properties: { Runtime: ruby3.3 } }\n";
  template(ruby);
  expect((await thaw("deploy")).stderr).toContain(
    "#/Runtime: Thaw does not have [ruby3.3]: functions can have java11,",
  );
  template(ruby.replace("Runtime", "Architectures: [arm64], Runtime"));
  const both = (await thaw("deploy")).stderr;
  expect(both).toContain("#/Architectures: Thaw does not have [arm64]: hosts are x86_64");
  expect(both).toContain("#/Runtime: Thaw does not have [ruby3.3]");
  expect(await names()).toEqual([]);
});

it("shows made-up variables last, and takes others from --env-vars", async ({ expect }) => {
  template(`
  Table: { Type: AWS::MemoryDB::Cluster, Properties: { ClusterName: Table } }
  F:
    Type: AWS::Serverless::Function
    Properties: { DurableConfig: { ExecutionTimeout: 9 }, Environment: { Variables: { TABLE: !Ref Table, ARN: !Sub "\${Table.Arn}/x", LOST: !ImportValue x } } }
Outputs: { Table: { Value: !Ref Table }, F: { Value: !Ref F } }
`);
  const refused = await thaw("deploy", "--env-vars", env({ F: { LOST: "found" } }));
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch(/AWS::MemoryDB::Cluster \(Table\): .*\nTo deploy the rest: --skip-unsupported/);
  expect(await names()).toEqual([]);
  const { stderr, code } = await thaw("deploy", "--skip-unsupported");
  expect(code, stderr).toBe(0);
  expect(stderr).toContain("left out: Outputs.Table names Table, which is left out");
  expect(stderr).toContain("left out: Resources.F.DurableConfig has no meaning here");
  const end = stderr.slice(stderr.indexOf("variables that are"));
  expect(end).toMatch(/NOT SET .*\n.*Variables\.LOST has Fn::ImportValue x/);
  expect(end).toContain("Resources.F.Environment.Variables.TABLE names Table, which is not here: Table\n");
  await thaw("deploy", "--skip-unsupported", "--env-vars", env({ F: { TABLE: "mine", LOST: "found" } }));
  const answer = await thaw("invoke", await functionOf("F"), "--quiet");
  expect(JSON.parse(answer.stdout)).toMatchObject({
    TABLE: "mine",
    ARN: "arn:aws:memorydb:us-east-1:000000000000:Table/x",
    LOST: "found",
  });
});

function env(values: object): string {
  writeFileSync(join(folder, "env.json"), JSON.stringify(values));
  return "env.json";
}

it("shows differences without making them, and deletes a stack but for what is to stay", async ({ expect }) => {
  const write = (own: string): void =>
    template(`
  F: { Type: AWS::Serverless::Function, Properties: { ${own} } }
  Kept: { Type: AWS::Lambda::Function, DeletionPolicy: Retain, Properties: { Code: { ZipFile: x }, Handler: index.handler, Runtime: nodejs24.x, Role: "arn:aws:iam::000000000000:role/x" } }
`);
  write("Timeout: 3");
  const isNew = await thaw("diff", "--exit-code");
  expect([isNew.code, isNew.stdout]).toEqual([1, expect.stringContaining("is new:\n")]);
  expect(isNew.stdout).toMatch(/^\+ F AWS::Lambda::Function\n( {4}.*\n)* {4}Timeout: \+ 3\n/m);
  expect((await thaw("delete")).stderr).toContain("there is no stack");
  await thaw("deploy");
  expect(await thaw("diff", "--exit-code")).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("is as the template says"),
  });
  write(`Timeout: 9, FunctionName: ${stackName()}-other, Environment: { Variables: { A: b } }`);
  writeFileSync(join(folder, "app/more.mjs"), "");
  const differs = await thaw("diff");
  expect(differs.code).toBe(0);
  expect(differs.stdout).toMatch(/~ F AWS::Lambda::Function \(is replaced\)/);
  expect(differs.stdout).toContain("    Timeout: 3 → 9\n");
  expect(differs.stdout).toMatch(/ {4}Code\.S3Key: [0-9a-f]{64}\.zip → [0-9a-f]{64}\.zip\n/);
  expect(differs.stdout).toMatch(/ {4}Environment: \+ |Environment\.Variables\.A: \+ b/);
  expect(await names()).toEqual(["F", "Kept"]);
  const wrong = await thaw("diff", "nowhere.yaml");
  expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining("can't be read")]);
  const kept = await functionOf("Kept");
  const gone = await thaw("delete", "--json");
  expect(gone.code, gone.stderr).toBe(0);
  expect(gone.stderr).toContain("Kept AWS::Lambda::Function: stays, for its DeletionPolicy is Retain");
  expect(JSON.parse(gone.stdout)).toMatchObject({ stackName: stackName(), stays: ["Kept"] });
  expect(await names()).toEqual(["Kept"]);
  await lambda.send(new DeleteFunctionCommand({ FunctionName: kept }));
  expect((await thaw("delete")).code).toBe(1);
});

it("keeps parameters that are not given again, and packs what they choose", async ({ expect }) => {
  mkdirSync(join(folder, "prod"));
  writeFileSync(join(folder, "prod/index.mjs"), "export const handler = async () => 'prod';\n");
  template(`
  F: { Type: AWS::Serverless::Function, Condition: IsProd, Properties: { CodeUri: !Sub "./\${Stage}" } }
  G: { Type: AWS::Serverless::Function, Condition: IsDev, Properties: { CodeUri: nowhere } }
Parameters: { Stage: { Type: String, Default: dev } }
Conditions: { IsProd: !Equals [!Ref Stage, prod], IsDev: !Not [!Condition IsProd] }
`);
  const first = await thaw("deploy", "--parameter-overrides", "ParameterKey=Stage,ParameterValue=prod");
  expect(first.code, first.stderr).toBe(0);
  const again = await thaw("deploy");
  expect([again.code, again.stderr]).toEqual([0, expect.stringContaining("nothing was changed")]);
  expect((await thaw("invoke", await functionOf("F"), "--quiet")).stdout).toBe('"prod"\n');
});

it("finds the newest of template and build, and assets of CDK and osls", async ({ expect }) => {
  template("  A: { Type: AWS::Serverless::Function, Properties: {} }\n");
  const build = join(folder, ".aws-sam/build");
  mkdirSync(join(build, "A"), { recursive: true });
  writeFileSync(join(build, "A/index.mjs"), "export const handler = async () => 'built';\n");
  writeFileSync(
    join(build, "template.yaml"),
    "Transform: AWS::Serverless-2016-10-31\nResources: { A: { Type: AWS::Serverless::Function, Properties: { CodeUri: A, Handler: index.handler, Runtime: nodejs24.x } } }\n",
  );
  expect((await thaw("deploy")).stderr).toContain(".aws-sam/build/template.yaml is used");
  expect((await thaw("invoke", await functionOf("A"), "--quiet")).stdout).toBe('"built"\n');
  const out = join(folder, "cdk.out");
  mkdirSync(join(out, "asset.abc"), { recursive: true });
  writeFileSync(join(out, "asset.abc/index.mjs"), "export const handler = async () => 'asset';\n");
  const code = { S3Bucket: { "Fn::Sub": "cdk-assets-${AWS::AccountId}" }, S3Key: "abc.zip" };
  const properties = {
    FunctionName: `${basename(folder)}-cdk`,
    Code: code,
    Handler: "index.handler",
    Runtime: "nodejs24.x",
    Role: "arn:aws:iam::000000000000:role/any",
  };
  const stack = { Resources: { F: { Type: "AWS::Lambda::Function", Properties: properties } } };
  writeFileSync(join(out, "Shop.template.json"), JSON.stringify(stack));
  writeFileSync(join(out, "Shop.assets.json"), JSON.stringify({ files: { abc: { source: { path: "asset.abc" } } } }));
  const cdk = await thaw("deploy", "cdk.out/Shop.template.json");
  expect(cdk.code, cdk.stderr).toBe(0);
  expect((await thaw("invoke", `${basename(folder)}-cdk`, "--quiet")).stdout).toBe('"asset"\n');
});

it("publishes layers that are new or changed, before the functions that have them", async ({ expect }) => {
  const write = (text: string): void =>
    writeFileSync(
      join(folder, "shared/nodejs/node_modules/shared/index.js"),
      `module.exports = ${JSON.stringify(text)};`,
    );
  mkdirSync(join(folder, "shared/nodejs/node_modules/shared"), { recursive: true });
  write("one");
  writeFileSync(
    join(folder, "app/index.mjs"),
    'import { createRequire } from "node:module";\nconst shared = createRequire(import.meta.url)("shared");\nexport const handler = async () => [shared, process.env.LAYER];\n',
  );
  const layer = `${basename(folder)}-shared`;
  template(`
  Shared: { Type: AWS::Serverless::LayerVersion, Properties: { ContentUri: shared, LayerName: ${layer}, CompatibleRuntimes: [nodejs24.x] } }
  F:
    Type: AWS::Serverless::Function
    Properties: { Layers: [!Ref Shared], AutoPublishAlias: live, Environment: { Variables: { LAYER: !Ref Shared } } }
Outputs: { Layer: { Value: !Ref Shared } }
`);
  const answer = async (): Promise<unknown> =>
    JSON.parse((await thaw("invoke", await functionOf("F"), "--quiet")).stdout);
  const arn = (number: number): string => `arn:aws:lambda:us-east-1:000000000000:layer:${layer}:${number}`;
  const first = await thaw("deploy");
  expect(first.code, first.stderr).toBe(0);
  expect(first.stdout).toContain(`Layer = ${arn(1)}\n`);
  expect(await answer()).toEqual(["one", arn(1)]);
  const again = await thaw("deploy");
  expect(again.stdout).toContain(`Layer = ${arn(1)}\n`);
  expect(again.stderr).toContain("nothing was changed");
  expect(again.stderr).toContain(":live → version 1");
  write("two");
  expect((await thaw("deploy")).stdout).toContain(`Layer = ${arn(2)}\n`);
  expect(await answer()).toEqual(["two", arn(2)]);
});

it("URLs and permissions come, change and go with the template", async ({ expect }) => {
  const own = (config: string): string => `
  F: { Type: AWS::Serverless::Function, Properties: { AutoPublishAlias: live${config} } }`;
  writeFileSync(join(folder, "app/index.mjs"), "export const handler = async () => ({ hello: 1 });\n");
  template(`${own(", FunctionUrlConfig: { AuthType: NONE, Cors: { AllowOrigins: ['*'] } }")}
  U: { Type: AWS::Lambda::Url, Properties: { TargetFunctionArn: !GetAtt F.Arn, AuthType: AWS_IAM } }
Outputs:
  Url: { Value: !GetAtt FUrl.FunctionUrl }
  Own: { Value: !Sub "\${U.FunctionUrl}x" }`);
  const first = await thaw("deploy", "--json");
  expect(first.code, first.stderr).toBe(0);
  const { outputs, urls } = JSON.parse(first.stdout) as {
    readonly outputs: Readonly<Record<"Url" | "Own", string>>;
    readonly urls: ReadonlyArray<{ readonly url: string; readonly qualifier: string | null }>;
  };
  expect(urls.map(({ qualifier }) => qualifier)).toEqual(["live", null]);
  expect(first.stderr).toContain(`${await functionOf("F")}:live: URL ${outputs.Url}`);
  const called = await fetch(outputs.Url, { headers: { origin: "https://a.example" } });
  expect([await called.json(), called.headers.get("access-control-allow-origin")]).toEqual([{ hello: 1 }, "*"]);
  expect((await fetch(outputs.Own)).status).toBe(403);
  template(own(", FunctionUrlConfig: { AuthType: NONE }"));
  expect((await thaw("deploy")).code).toBe(0);
  const again = await fetch(outputs.Url, { headers: { origin: "https://a.example" } });
  expect([again.status, again.headers.get("access-control-allow-origin")]).toEqual([200, null]);
  expect(await (await fetch(outputs.Own)).text()).toBe('{"Message":null}');
  template(own(""));
  const last = await thaw("deploy");
  expect(last.stderr).toContain("- FUrl AWS::Lambda::Url");
  expect(last.stderr).toContain("- FUrlPublicPermissions AWS::Lambda::Permission");
  expect(await (await fetch(outputs.Url)).text()).toBe('{"Message":null}');
});

it("settings of asynchronous invokes come with a template and go with it", async ({ expect }) => {
  const settings = `
      AutoPublishAlias: live
      RecursiveLoop: Allow
      EventInvokeConfig:
        MaximumRetryAttempts: 1
        DestinationConfig: { OnSuccess: { Type: Lambda, Destination: !GetAtt Audit.Arn } }`;
  const audit = "  Audit: { Type: AWS::Serverless::Function, Properties: { FunctionName: async-audit } }\n";
  const work = "  Work:\n    Type: AWS::Serverless::Function\n    Properties:\n      FunctionName: async-work";
  template(`${audit}${work}${settings}\n`);
  const first = await thaw("deploy");
  expect(first.code, first.stderr).toBe(0);
  const of = { FunctionName: "async-work", Qualifier: "live" };
  expect(await lambda.send(new GetFunctionEventInvokeConfigCommand(of))).toMatchObject({
    MaximumRetryAttempts: 1,
    DestinationConfig: { OnSuccess: { Destination: expect.stringMatching(/:function:async-audit$/) } },
  });
  const loops = new GetFunctionRecursionConfigCommand({ FunctionName: "async-work" });
  expect(await lambda.send(loops)).toMatchObject({ RecursiveLoop: "Allow" });
  template(`${audit}${work}\n      AutoPublishAlias: live\n`);
  const second = await thaw("deploy");
  expect(second.code, second.stderr).toBe(0);
  await expect(lambda.send(new GetFunctionEventInvokeConfigCommand(of))).rejects.toThrow("doesn't have an EventInvoke");
  expect(await lambda.send(loops)).toMatchObject({ RecursiveLoop: "Terminate" });
});

it("deploys container images, of which another digest is a change and a tag is none", async ({ expect }) => {
  const write = (uri: string, own: string): void =>
    writeFileSync(
      join(folder, "template.yaml"),
      `Transform: AWS::Serverless-2016-10-31
Resources:
  F:
    Type: AWS::Serverless::Function
    Properties: { PackageType: Image, ImageUri: "${uri}"${own} }
`,
    );
  const look = async (): Promise<unknown> => {
    const { PackageType, CodeSha256, ImageConfigResponse } = await lambda.send(
      new GetFunctionConfigurationCommand({ FunctionName: await functionOf("F") }),
    );
    return { PackageType, CodeSha256, own: ImageConfigResponse?.ImageConfig ?? null };
  };
  const built = (name: string, version: string): string => {
    const { manifest } = images.write(name, { layers: [{ version }], config: { Entrypoint: ["/main"] } });
    return manifest.digest.slice("sha256:".length);
  };
  const first = built("shop", "first");
  write("oci:shop:latest", ", ImageConfig: { Command: [a.handler] }");
  const made = await thaw("deploy");
  expect(made.code, made.stderr).toBe(0);
  expect(await look()).toEqual({ PackageType: "Image", CodeSha256: first, own: { Command: ["a.handler"] } });
  const second = built("shop2", "second");
  write("oci:shop2:latest", "");
  expect((await thaw("deploy")).code).toBe(0);
  expect(await look()).toEqual({ PackageType: "Image", CodeSha256: second, own: null });
  built("shop2", "third");
  expect((await thaw("deploy")).stderr).toContain("nothing was changed");
});
