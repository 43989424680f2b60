// matrix: the CDK's own functions call the services of the server, with and without leave
import {
  DeleteStackCommand,
  DescribeStacksCommand,
  waitUntilStackDeleteComplete,
} from "@aws-sdk/client-cloudformation";
import { SSMClient, GetParametersByPathCommand } from "@aws-sdk/client-ssm";
import { CreateBucketCommand, GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { cloudFormationOf } from "../support/cloudformation.ts";
import { expectDone, FUNCTION_TIMEOUT_S } from "./suite.ts";
import { Tools } from "./tools.ts";

/** Seconds for a deletion that hangs. */
const DELETION_S_MAX = 600;
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
const { App, CfnOutput, CliCredentialsStackSynthesizer, CustomResource, Duration, Stack, aws_lambda: lambda } = require("aws-cdk-lib");
const cr = require("aws-cdk-lib/custom-resources");
const synthesizer = new CliCredentialsStackSynthesizer({ fileAssetsBucketName: "${BUCKET}" });
const stack = new Stack(new App(), "${stackName}", { env: { account: "000000000000", region: "us-east-1" }, synthesizer });
const runtime = new lambda.Runtime("nodejs24.x", lambda.RuntimeFamily.NODEJS);
const onEventHandler = new lambda.Function(stack, "OnEvent", { code: lambda.Code.fromAsset("src"), handler: "index.handler", runtime, timeout: Duration.seconds(${FUNCTION_TIMEOUT_S}) });
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

/** A bucket that is filled by the AWS CLI in its layer, and a function that is called once it is made. */
const SITE = `
const { App, Aspects, CfnOutput, CliCredentialsStackSynthesizer, Duration, RemovalPolicy, Stack, aws_lambda: lambda, aws_s3: s3 } = require("aws-cdk-lib");
const { BucketDeployment, Source } = require("aws-cdk-lib/aws-s3-deployment");
const { TriggerFunction } = require("aws-cdk-lib/triggers");
const synthesizer = new CliCredentialsStackSynthesizer({ fileAssetsBucketName: "${BUCKET}" });
const stack = new Stack(new App(), "shop-site", { env: { account: "000000000000", region: "us-east-1" }, synthesizer });
const runtime = new lambda.Runtime("nodejs24.x", lambda.RuntimeFamily.NODEJS);
const site = new s3.Bucket(stack, "Site", { removalPolicy: RemovalPolicy.DESTROY, autoDeleteObjects: true });
const sources = [Source.asset("site"), Source.jsonData("made.json", { bucket: site.bucketName })];
const filled = new BucketDeployment(stack, "Filled", { sources, destinationBucket: site, memoryLimit: 512 });
const environment = { BUCKET: site.bucketName };
const code = lambda.Code.fromAsset("src");
const timeout = Duration.seconds(${FUNCTION_TIMEOUT_S});
const called = new TriggerFunction(stack, "Called", { code, handler: "index.called", runtime, timeout, environment });
called.executeAfter(filled);
new CfnOutput(stack, "Bucket", { value: site.bucketName });
// The CDK makes the function of a BucketDeployment for arm64.
Aspects.of(stack).add({ visit: (node) => node instanceof lambda.CfnFunction && (node.architectures = ["x86_64"]) });
`;

/** Signs an address in the function, and asks for it there. */
const CALLED = `
const { GetObjectCommand, PutObjectCommand, S3Client } = require("@aws-sdk/client-s3");
const { getSignedUrl } = require("@aws-sdk/s3-request-presigner");
exports.called = async () => {
  const s3 = new S3Client();
  const Bucket = process.env.BUCKET;
  const signed = await getSignedUrl(s3, new GetObjectCommand({ Bucket, Key: "index.html" }));
  const answer = await fetch(signed);
  const Body = answer.status + " " + (await answer.text());
  await s3.send(new PutObjectCommand({ Bucket, Key: "seen", Body }));
};
`;

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

test("Provider and AwsCustomResource make and remove what they are for", async () => {
  write("shop", true);
  const deployed = await tools.run("cdk", "deploy", "--require-approval", "never");
  expectDone(deployed);
  expect(deployed.output).toMatch(/shop\.Said = Create/);
  expect(deployed.output).toMatch(/shop\.Got = put/);
  expect(await parameters()).toEqual(new Set(["/shop/by-call", "/shop/by-provider"]));
  // What `cdk destroy` asks for, in a fraction of its time.
  const client = cloudFormationOf(server);
  await client.send(new DeleteStackCommand({ StackName: "shop" }));
  const wait = { client, minDelay: 1, maxDelay: 1, maxWaitTime: DELETION_S_MAX };
  await waitUntilStackDeleteComplete(wait, { StackName: "shop" });
  expect(await parameters()).toEqual(new Set());
});

test("a Provider of functions that are not named fails at once, with the setting", async () => {
  write("other", false);
  const failed = await tools.run("cdk", "deploy", "--require-approval", "never");
  expect(failed.code, failed.output).not.toBe(0);
  expect(failed.output).toMatch(
    /of the CDK's Provider calls Lambda, which it can't reach: start the server with\s+--allow-services other-/,
  );
});

test("BucketDeployment fills a bucket, and a Trigger calls a function that signs addresses", async () => {
  tools.write({
    "cdk.json": JSON.stringify({ app: "node app.js" }),
    "app.js": SITE,
    "src/index.js": CALLED,
    "site/index.html": "<p>a shop</p>",
  });
  expectDone(await tools.run("cdk", "deploy", "--require-approval", "never"));
  const client = cloudFormationOf(server);
  const { Stacks: [stack] = [] } = await client.send(new DescribeStacksCommand({ StackName: "shop-site" }));
  const bucket = stack?.Outputs?.find(({ OutputKey }) => OutputKey === "Bucket")?.OutputValue ?? "";
  const s3 = new S3Client(clientOptions());
  const read = async (Key: string): Promise<string | undefined> =>
    (await s3.send(new GetObjectCommand({ Bucket: bucket, Key }))).Body?.transformToString();
  expect(await read("index.html")).toBe("<p>a shop</p>");
  expect(JSON.parse((await read("made.json")) ?? "")).toEqual({ bucket });
  expect(await read("seen")).toBe("200 <p>a shop</p>");
  await client.send(new DeleteStackCommand({ StackName: "shop-site" }));
  const wait = { client, minDelay: 1, maxDelay: 1, maxWaitTime: DELETION_S_MAX };
  await waitUntilStackDeleteComplete(wait, { StackName: "shop-site" });
  await expect(read("index.html")).rejects.toMatchObject({ name: "NoSuchBucket" });
});
