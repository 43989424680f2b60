// matrix: a stack's whole life by osls, which sleeps five seconds before each look at the events
import { expect, test } from "vitest";
import { CODE, deploySuite, expectDone, type Project, type Variant } from "./suite.ts";

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
    const { tools } = state();
    const invoked = await tools.run("osls", "invoke", "--function", "hello");
    expectDone(invoked);
    expect(invoked.output).toContain('"shop-bye"');
    const logs = await tools.run("osls", "logs", "--function", "hello");
    expectDone(logs);
    expect(logs.output).toContain("END Duration: ");
  });
});
