// matrix: a stack's whole life by the CDK, whose every command makes the template anew
import { expect, test } from "vitest";
import {
  answerOf,
  CODE,
  deploySuite,
  expectDone,
  FUNCTION_TIMEOUT_S,
  type Project,
  STACK,
  type Variant,
} from "./suite.ts";

const BUCKET = "assets-of-the-shop";

const project: Project = {
  stackName: STACK,
  made: "CREATE_COMPLETE",
  unchanged: /\(no changes\)/,
  failed: /Wrong/,
  write: (tools, variant) =>
    tools.write({
      "app.js": app(variant),
      "cdk.json": JSON.stringify({ app: "node app.js" }),
      "src/index.js": CODE,
    }),
  async prepare(tools) {
    expectDone(await tools.run("aws", "s3", "mb", `s3://${BUCKET}`));
  },
  deploy: (tools) => tools.run("cdk", "deploy", "--require-approval", "never"),
  remove: (tools) => tools.run("cdk", "destroy", "--force"),
};

function app({ message, name, isBroken }: Variant): string {
  return `
const { App, CliCredentialsStackSynthesizer, Duration, Stack, CfnOutput, aws_lambda: lambda } = require("aws-cdk-lib");
// Without a bootstrapped account: assets go to a bucket that is there.
const synthesizer = new CliCredentialsStackSynthesizer({ fileAssetsBucketName: "${BUCKET}" });
const stack = new Stack(new App(), "${STACK}", { env: { account: "000000000000", region: "us-east-1" }, synthesizer });
const hello = new lambda.Function(stack, "Hello", {
  functionName: "${STACK}-${name}",
  code: lambda.Code.fromAsset("src"),
  handler: "index.handler",
  runtime: new lambda.Runtime("nodejs24.x", lambda.RuntimeFamily.NODEJS),
  timeout: Duration.seconds(${FUNCTION_TIMEOUT_S}),
  environment: { MESSAGE: "${message}" },
});
${isBroken ? `new lambda.CfnAlias(stack, "Wrong", { functionName: hello.functionName, functionVersion: "99", name: "wrong" });` : ""}
new CfnOutput(stack, "Name", { value: hello.functionName });
`;
}

deploySuite(project, (state) => {
  test("cdk diff shows what would change, and leaves nothing behind", async () => {
    const { tools } = state();
    project.write(tools, { message: "four", name: "bye", isBroken: false });
    const diff = await tools.run("cdk", "diff");
    expectDone(diff);
    expect(diff.output).toMatch(/MESSAGE/);
    expect(diff.output).toMatch(/Number of stacks with differences: 1/);
  });

  test("cdk deploy --hotswap changes code without a deployment", async () => {
    const { tools } = state();
    project.write(tools, { message: "two", name: "bye", isBroken: false });
    tools.write({ "src/index.js": "exports.handler = async () => ({ message: 'swapped' });\n" });
    const swapped = await tools.run("cdk", "deploy", "--hotswap", "--require-approval", "never");
    expectDone(swapped);
    expect(swapped.calls.filter((call) => /ExecuteChangeSet|UpdateStack/.test(call))).toEqual([]);
    expect(await answerOf(state(), project)).toEqual({ message: "swapped" });
  });
});
