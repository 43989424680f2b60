// matrix: the CDK's own functions call the services of the server, with and without leave
import { DeleteStackCommand, waitUntilStackDeleteComplete } from "@aws-sdk/client-cloudformation";
import { SSMClient, GetParametersByPathCommand } from "@aws-sdk/client-ssm";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { cloudFormationOf } from "../support/cloudformation.ts";
import { expectDone } from "./suite.ts";
import { Tools } from "./tools.ts";

const TEST_MS_MAX = 300_000;
const BUCKET = "assets-of-the-shop";

let server: ThawServer;
let tools: Tools;

beforeAll(async () => {
  server = await startThaw({ args: ["--allow-services", "shop-*"] });
  tools = await Tools.start(server);
  await new S3Client(clientOptions()).send(new CreateBucketCommand({ Bucket: BUCKET }));
});

afterAll(async () => {
  await tools?.close();
  await server?.remove();
});

/** `isWhole`: with a resource of AwsCustomResource beside that of a Provider. */
function app(stackName: string, isWhole: boolean): string {
  return `
const { App, CfnOutput, CliCredentialsStackSynthesizer, CustomResource, Stack, aws_lambda: lambda } = require("aws-cdk-lib");
const cr = require("aws-cdk-lib/custom-resources");
const synthesizer = new CliCredentialsStackSynthesizer({ fileAssetsBucketName: "${BUCKET}" });
const stack = new Stack(new App(), "${stackName}", { env: { account: "000000000000", region: "us-east-1" }, synthesizer });
const runtime = new lambda.Runtime("nodejs24.x", lambda.RuntimeFamily.NODEJS);
const onEventHandler = new lambda.Function(stack, "OnEvent", { code: lambda.Code.fromAsset("src"), handler: "index.handler", runtime });
const { serviceToken } = new cr.Provider(stack, "Provider", { onEventHandler });
const made = new CustomResource(stack, "Made", { serviceToken, properties: { Name: "/shop/by-provider" } });
new CfnOutput(stack, "Said", { value: made.getAttString("Said") });
if (${isWhole}) {
  const call = (action, parameters) => ({
    service: "SSM",
    action,
    parameters,
    physicalResourceId: cr.PhysicalResourceId.of("/shop/by-call"),
  });
  const Name = "/shop/by-call";
  const put = new cr.AwsCustomResource(stack, "Put", {
    onUpdate: call("putParameter", { Name, Value: "put", Type: "String", Overwrite: true }),
    onDelete: { service: "SSM", action: "deleteParameter", parameters: { Name } },
    policy: cr.AwsCustomResourcePolicy.fromSdkCalls({ resources: ["*"] }),
    installLatestAwsSdk: false,
  });
  const got = new cr.AwsCustomResource(stack, "Got", {
    onUpdate: call("getParameter", { Name }),
    policy: cr.AwsCustomResourcePolicy.fromSdkCalls({ resources: ["*"] }),
    installLatestAwsSdk: false,
  });
  got.node.addDependency(put);
  new CfnOutput(stack, "Got_", { value: got.getResponseField("Parameter.Value") });
}
`;
}

/** The user's part of a Provider, which keeps a parameter. */
const ON_EVENT = `
const { DeleteParameterCommand, PutParameterCommand, SSMClient } = require("@aws-sdk/client-ssm");
exports.handler = async ({ RequestType, ResourceProperties: { Name } }) => {
  const ssm = new SSMClient();
  if (RequestType === "Delete") await ssm.send(new DeleteParameterCommand({ Name }));
  else await ssm.send(new PutParameterCommand({ Name, Value: "made", Type: "String", Overwrite: true }));
  return { PhysicalResourceId: Name, Data: { Said: RequestType } };
};
`;

function write(stackName: string, isWhole: boolean): void {
  const files = { "cdk.json": JSON.stringify({ app: "node app.js" }), "src/index.js": ON_EVENT };
  tools.write({ ...files, "app.js": app(stackName, isWhole) });
}

function clientOptions() {
  const { AWS_ACCESS_KEY_ID: accessKeyId = "", AWS_SECRET_ACCESS_KEY: secretAccessKey = "" } = server.env;
  return { endpoint: server.endpoint, region: "us-east-1", credentials: { accessKeyId, secretAccessKey } };
}

async function parameters(): Promise<ReadonlySet<string | undefined>> {
  const all = await new SSMClient(clientOptions()).send(new GetParametersByPathCommand({ Path: "/shop" }));
  return new Set(all.Parameters?.map(({ Name }) => Name));
}

test("Provider and AwsCustomResource make and remove what they are for", { timeout: TEST_MS_MAX }, async () => {
  write("shop", true);
  const deployed = await tools.run("cdk", "deploy", "--require-approval", "never");
  expectDone(deployed);
  expect(deployed.output).toMatch(/shop\.Said = Create/);
  expect(deployed.output).toMatch(/shop\.Got = put/);
  expect(await parameters()).toEqual(new Set(["/shop/by-call", "/shop/by-provider"]));
  // What `cdk destroy` asks for, in a fraction of its time.
  const client = cloudFormationOf(server);
  await client.send(new DeleteStackCommand({ StackName: "shop" }));
  const wait = { client, minDelay: 1, maxDelay: 1, maxWaitTime: TEST_MS_MAX / 1000 };
  await waitUntilStackDeleteComplete(wait, { StackName: "shop" });
  expect(await parameters()).toEqual(new Set());
});

test("a Provider of functions that are not named fails at once, with the setting", {
  timeout: TEST_MS_MAX,
}, async () => {
  write("other", false);
  const failed = await tools.run("cdk", "deploy", "--require-approval", "never");
  expect(failed.code, failed.output).not.toBe(0);
  expect(failed.output).toMatch(
    /of the CDK's Provider calls Lambda, which it can't reach: start the server with\s+--allow-services other-/,
  );
});
