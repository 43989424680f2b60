// matrix: cdk bootstrap, and a deployment through the roles and the bucket that it makes
import { afterAll, beforeAll, expect, test } from "vitest";
import { startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { expectDone, FUNCTION_TIMEOUT_S } from "./suite.ts";
import { Tools } from "./tools.ts";

let server: ThawServer;
let tools: Tools;

beforeAll(async () => {
  server = await startThaw();
  tools = await Tools.start(server);
});

afterAll(async () => {
  await tools?.close();
  await server?.remove();
});

const APP = `
const { App, Duration, Stack, CustomResource, CfnOutput, aws_lambda: lambda } = require("aws-cdk-lib");
const stack = new Stack(new App(), "shop", { env: { account: "000000000000", region: "us-east-1" } });
const runtime = new lambda.Runtime("nodejs24.x", lambda.RuntimeFamily.NODEJS, { supportsInlineCode: true });
const code = lambda.Code.fromAsset("src");
const timeout = Duration.seconds(${FUNCTION_TIMEOUT_S});
const maker = new lambda.Function(stack, "Maker", { code, handler: "index.handler", runtime, timeout });
const made = new CustomResource(stack, "Made", { serviceToken: maker.functionArn, properties: { Size: 5 } });
new CfnOutput(stack, "Said", { value: made.getAttString("Said") });
`;

const MAKER = `
const https = require("node:https");
exports.handler = async (event) => {
  const answer = { Status: "SUCCESS", PhysicalResourceId: "made", Data: { Said: "size " + event.ResourceProperties.Size } };
  const { hostname, pathname } = new URL(event.ResponseURL);
  await new Promise((resolve, reject) => {
    const request = https.request({ hostname, path: pathname, method: "PUT" }, resolve);
    request.on("error", reject);
    request.end(JSON.stringify(answer));
  });
};
`;

test("cdk bootstrap makes what the CDK deploys by, and does so once", async () => {
  expectDone(await tools.run("cdk", "bootstrap", "aws://000000000000/us-east-1"));
  const again = await tools.run("cdk", "bootstrap", "aws://000000000000/us-east-1");
  expectDone(again);
  expect(again.output).toMatch(/no changes/);
});

test("an application with assets and a custom resource is deployed by it, and destroyed", async () => {
  tools.write({ "app.js": APP, "cdk.json": JSON.stringify({ app: "node app.js" }), "src/index.js": MAKER });
  const deployed = await tools.run("cdk", "deploy", "--require-approval", "never");
  expectDone(deployed);
  expect(deployed.output).toMatch(/shop\.Said = size 5/);
  expectDone(await tools.run("cdk", "destroy", "--force"));
});
