/** `thaw deploy` again and again: what a template no longer has is taken away, and nothing else. */
import {
  CreateAliasCommand,
  GetAliasCommand,
  GetFunctionConfigurationCommand,
  GetFunctionEventInvokeConfigCommand,
  GetFunctionRecursionConfigCommand,
  LambdaClient,
  ListAliasesCommand,
  ListFunctionsCommand,
  ListTagsCommand,
  TagResourceCommand,
} from "@aws-sdk/client-lambda";
import { ImageFolder } from "@thaw/server/testing/image-files";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, beforeEach, it } from "vitest";
import { startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { type Ran, runThaw } from "../support/cli.ts";

let server: ThawServer;
let lambda: LambdaClient;
let folder: string;

const images = new ImageFolder();

beforeAll(async () => {
  server = await startThaw({ args: ["--image-dir", images.path] });
  const { AWS_ACCESS_KEY_ID: accessKeyId = "", AWS_SECRET_ACCESS_KEY: secretAccessKey = "" } = server.env;
  lambda = new LambdaClient({
    endpoint: server.endpoint,
    region: "us-east-1",
    credentials: { accessKeyId, secretAccessKey },
    maxAttempts: 1,
  });
});

afterAll(async () => {
  lambda?.destroy();
  await server?.remove();
  images.remove();
});

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "thaw-deploy-"));
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

async function names(): Promise<readonly string[]> {
  const { Functions = [] } = await lambda.send(new ListFunctionsCommand({}));
  return Functions.map(({ FunctionName = "" }) => FunctionName)
    .filter((name) => name.startsWith(basename(folder)))
    .map((name) => name.slice(basename(folder).length + 1))
    .toSorted();
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
  expect(await names()).toEqual(["A", "B", "C"]);
  const FunctionName = `${basename(folder)}-A`;
  const { FunctionArn = "" } = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));
  await lambda.send(new TagResourceCommand({ Resource: FunctionArn, Tags: { byHand: "stays" } }));
  await lambda.send(new CreateAliasCommand({ FunctionName, Name: "by-hand", FunctionVersion: "1" }));
  template(`
  A: { Type: AWS::Serverless::Function, Properties: { Tags: { kept: changed }, AutoPublishAlias: new } }
  V: { Type: AWS::Lambda::Version, Properties: { FunctionName: !Ref A } }
  L:
    Type: AWS::Lambda::Alias
    Properties: { FunctionName: !Ref A, FunctionVersion: !GetAtt V.Version, Name: live, Description: for all }
`);
  const second = await thaw("deploy");
  expect(second.code, second.stderr).toBe(0);
  expect(second.stderr).toContain(`${basename(folder)}-C: is removed, for the template no longer has it`);
  expect(second.stderr).toContain(`${basename(folder)}-B: stays, for its DeletionPolicy says so`);
  expect(await names()).toEqual(["A", "B"]);
  const config = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));
  expect(config).toMatchObject({ Timeout: 3, Description: "", LoggingConfig: { LogFormat: "Text" } });
  expect((await lambda.send(new ListTagsCommand({ Resource: FunctionArn }))).Tags).toEqual({
    kept: "changed",
    byHand: "stays",
  });
  const { Aliases = [] } = await lambda.send(new ListAliasesCommand({ FunctionName }));
  expect(Aliases.map(({ Name }) => Name)).toEqual(["by-hand", "live", "new"]);
  const live = await lambda.send(new GetAliasCommand({ FunctionName, Name: "live" }));
  expect(live).toMatchObject({ Description: "for all", FunctionVersion: "2" });
});

it("keeps templates of one folder apart, unless one name is given to both", async ({ expect }) => {
  template("  A: { Type: AWS::Serverless::Function, Properties: {} }\n");
  template("  B: { Type: AWS::Serverless::Function, Properties: {} }\n", "other.yaml");
  await thaw("deploy");
  const other = await thaw("deploy", "other.yaml");
  expect(other.stderr).not.toContain("removed");
  expect(await names()).toEqual(["A", "B"]);
  const stack = ["--stack-name", basename(folder)];
  await thaw("deploy", "template.yaml", ...stack);
  expect((await thaw("deploy", "other.yaml", ...stack)).stderr).toContain("-A: is removed");
  expect(await names()).toEqual(["B"]);
});

it("deploys the other functions where one fails, and says which", async ({ expect }) => {
  template(`
  Bad: { Type: AWS::Serverless::Function, Properties: { CodeUri: nowhere } }
  Good: { Type: AWS::Serverless::Function, Properties: {} }
  Wrong: { Type: AWS::Serverless::Function, Properties: { MemorySize: 1 } }
`);
  const { code, stderr } = await thaw("deploy");
  expect(code).toBe(1);
  expect(stderr).toMatch(/-Bad: .*nowhere is not there; is the code built\?/);
  expect(stderr).toMatch(/-Wrong: .*[mM]emorySize/);
  expect(await names()).toEqual(["Good"]);
});

it("shows made-up variables last, and takes others from --env-vars", async ({ expect }) => {
  template(`
  Table: { Type: AWS::DynamoDB::Table, Properties: {} }
  F:
    Type: AWS::Serverless::Function
    Properties: { Environment: { Variables: { TABLE: !Ref Table, ARN: !GetAtt Table.Arn, LOST: !ImportValue x } } }
`);
  const refused = await thaw("deploy");
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain("Resources.Table AWS::DynamoDB::Table is not supported");
  expect(await names()).toEqual([]);
  const { stderr } = await thaw("deploy", "--skip-unsupported");
  const end = stderr.slice(stderr.indexOf("-F: create"));
  expect(end).toMatch(/NOT SET .*\n.*Variables\.LOST has Fn::ImportValue x/);
  expect(end).toContain("Resources.F.Environment.Variables.TABLE names Table, which is not here: Table\n");
  writeFileSync(join(folder, "env.json"), JSON.stringify({ F: { TABLE: "mine", LOST: "found" } }));
  await thaw("deploy", "--skip-unsupported", "--env-vars", "env.json");
  const answer = await thaw("invoke", `${basename(folder)}-F`, "--quiet");
  expect(JSON.parse(answer.stdout)).toMatchObject({
    TABLE: "mine",
    ARN: "arn:aws:dynamodb:us-east-1:000000000000:table/Table",
    LOST: "found",
  });
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
  expect((await thaw("invoke", `${basename(folder)}-A`, "--quiet")).stdout).toBe('"built"\n');
  const out = join(folder, "cdk.out");
  mkdirSync(join(out, "asset.abc"), { recursive: true });
  writeFileSync(join(out, "asset.abc/index.mjs"), "export const handler = async () => 'asset';\n");
  const code = { S3Bucket: { "Fn::Sub": "cdk-assets-${AWS::AccountId}" }, S3Key: "abc.zip" };
  const properties = {
    FunctionName: `${basename(folder)}-cdk`,
    Code: code,
    Handler: "index.handler",
    Runtime: "nodejs24.x",
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
    JSON.parse((await thaw("invoke", `${basename(folder)}-F:live`, "--quiet")).stdout);
  const arn = (number: number): string => `arn:aws:lambda:us-east-1:000000000000:layer:${layer}:${number}`;
  const first = await thaw("deploy");
  expect(first.code, first.stderr).toBe(0);
  expect(first.stdout).toContain(`Layer = ${arn(1)}\n`);
  expect(await answer()).toEqual(["one", arn(1)]);
  const again = await thaw("deploy");
  expect(again.stdout).toContain(`Layer = ${arn(1)}\n`);
  expect(again.stderr).toContain("version 1 of the layer is as it was");
  expect(again.stderr).toContain("alias live → version 1");
  write("two");
  expect((await thaw("deploy")).stderr).toContain("alias live → version 2");
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
  expect(first.stderr).toContain(`F:live: URL ${outputs.Url}`);
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
  expect(last.stderr).toContain("the URL of live is removed");
  expect(last.stderr).toContain("the permission live/FUrlPublicPermissions is removed");
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
  expect((await thaw("deploy")).code).toBe(0);
  await expect(lambda.send(new GetFunctionEventInvokeConfigCommand(of))).rejects.toThrow("doesn't have an EventInvoke");
  expect(await lambda.send(loops)).toMatchObject({ RecursiveLoop: "Terminate" });
});

it("deploys container images, and takes what their tags mean at each deployment", async ({ expect }) => {
  const built = (version: string): string => {
    const { manifest } = images.write("shop", { layers: [{ version }], config: { Entrypoint: ["/main"] } });
    return manifest.digest.slice("sha256:".length);
  };
  const write = (own: string): void =>
    writeFileSync(
      join(folder, "template.yaml"),
      `Transform: AWS::Serverless-2016-10-31
Resources:
  F:
    Type: AWS::Serverless::Function
    Properties: { PackageType: Image, ImageUri: "oci:shop:latest"${own} }
`,
    );
  const look = async (): Promise<unknown> => {
    const { PackageType, CodeSha256, ImageConfigResponse } = await lambda.send(
      new GetFunctionConfigurationCommand({ FunctionName: `${basename(folder)}-F` }),
    );
    return { PackageType, CodeSha256, own: ImageConfigResponse?.ImageConfig ?? null };
  };
  const first = built("first");
  write(", ImageConfig: { Command: [a.handler] }");
  expect((await thaw("deploy")).code).toBe(0);
  expect(await look()).toEqual({ PackageType: "Image", CodeSha256: first, own: { Command: ["a.handler"] } });
  const second = built("second");
  write("");
  expect((await thaw("deploy")).code).toBe(0);
  expect(await look()).toEqual({ PackageType: "Image", CodeSha256: second, own: null });
});
