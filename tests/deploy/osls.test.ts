// matrix: a stack's whole life by osls, which sleeps five seconds before each look at the events
import { expect, test } from "vitest";
import { TestFunctions } from "../support/functions.ts";
import { CODE, deploySuite, expectDone, FUNCTION_TIMEOUT_S, type Project, type Variant } from "./suite.ts";

const project: Project = {
  stackName: "shop-dev",
  made: "UPDATE_COMPLETE",
  unchanged: /No changes to deploy/,
  failed: /Wrong/,
  write: (tools, variant) => tools.write({ "serverless.yml": service(variant), "src/index.js": CODE }),
  deploy: (tools) => tools.run("osls", "deploy"),
  remove: (tools) => tools.run("osls", "remove"),
};

function service({ message, name, isBroken }: Variant): string {
  return `
service: shop
provider: { name: aws, runtime: nodejs24.x, region: us-east-1, versionFunctions: false }
functions:
  hello:
    name: shop-${name}
    handler: src/index.handler
    timeout: ${FUNCTION_TIMEOUT_S}
    environment: { MESSAGE: ${message} }
package: { patterns: ["!**", "src/**"] }
${
  isBroken
    ? `
resources:
  Resources:
    Wrong:
      Type: AWS::Lambda::Alias
      Properties: { FunctionName: !Ref HelloLambdaFunction, FunctionVersion: "99", Name: wrong }`
    : ""
}
`;
}

deploySuite(project, (state) => {
  test("osls invoke and osls logs show the function", async () => {
    const { tools, server } = state();
    const functions = new TestFunctions(server);
    const invoked = await tools.run("osls", "invoke", "--function", "hello");
    expectDone(invoked);
    expect(invoked.output).toContain('"shop-bye"');
    // The tool's invoke asks for no log, so that its answer comes before the line.
    await functions.eventually("the invoke is reported", async () =>
      (await functions.logs("shop-bye")).some(({ message }) => message.startsWith("REPORT RequestId: ")),
    );
    const logs = await tools.run("osls", "logs", "--function", "hello");
    expectDone(logs);
    expect(logs.output).toContain("END Duration: ");
  });
});
