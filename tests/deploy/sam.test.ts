// matrix: a stack's whole life by the SAM CLI, whose every command takes seconds to start
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

const TO_STACK = ["--template-file", "template.yaml", "--stack-name", STACK];
const DEPLOY = [
  "deploy",
  ...TO_STACK,
  "--resolve-s3",
  "--capabilities",
  "CAPABILITY_IAM",
  "--no-confirm-changeset",
  "--no-fail-on-empty-changeset",
];
const SYNC = ["sync", "--code", ...TO_STACK, "--skip-deploy-sync", "--s3-bucket", "unused"];

const project: Project = {
  stackName: STACK,
  made: "CREATE_COMPLETE",
  unchanged: /No changes to deploy/,
  failed: /Wrong[^]*Failed to create\/update the stack/,
  write: (tools, variant) => tools.write({ "template.yaml": template(variant), "src/index.js": CODE }),
  deploy: (tools) => tools.run("sam", ...DEPLOY),
  remove: (tools) => tools.run("sam", "delete", "--stack-name", STACK, "--no-prompts"),
};

function template({ message, name, isBroken }: Variant): string {
  return `
Transform: AWS::Serverless-2016-10-31
Resources:
  Hello:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: !Sub "\${AWS::StackName}-${name}"
      CodeUri: src/
      Handler: index.handler
      Runtime: nodejs24.x
      Timeout: ${FUNCTION_TIMEOUT_S}
      Environment: { Variables: { MESSAGE: ${message} } }
${isBroken ? "  Wrong: { Type: AWS::Lambda::Alias, Properties: { FunctionName: !Ref Hello, FunctionVersion: '99', Name: wrong } }" : ""}
Outputs:
  Hello: { Value: !Ref Hello }
`;
}

deploySuite(project, (state) => {
  test("sam logs, sam remote invoke and sam list show the function", async () => {
    const { tools } = state();
    const invoked = await tools.run("sam", "remote", "invoke", "Hello", "--stack-name", STACK);
    expectDone(invoked);
    expect(invoked.output).toContain('{"message":"two","name":"shop-bye"}');
    const logs = await tools.run("sam", "logs", "--stack-name", STACK, "--name", "Hello");
    expectDone(logs);
    expect(logs.output).toContain("REPORT RequestId: ");
    const list = await tools.run("sam", "list", "resources", "--stack-name", STACK, "--output", "json");
    expectDone(list);
    expect(list.output).toContain("shop-bye");
    const endpoints = await tools.run("sam", "list", "endpoints", ...TO_STACK, "--output", "json");
    expectDone(endpoints);
    expect(endpoints.output).toContain('"CloudEndpoint": "-"');
    const outputs = await tools.run("sam", "list", "stack-outputs", "--stack-name", STACK, "--output", "json");
    expectDone(outputs);
    expect(outputs.output).toContain('"OutputValue": "shop-bye"');
  });

  test("sam remote test-event keeps events, and sam remote invoke takes one", async () => {
    const { tools } = state();
    tools.write({ "event.json": '{"who": "sam"}' });
    const of = ["Hello", "--stack-name", STACK];
    for (const name of ["one", "two"])
      expectDone(await tools.run("sam", "remote", "test-event", "put", ...of, "--name", name, "--file", "event.json"));
    const one = await tools.run("sam", "remote", "test-event", "get", ...of, "--name", "one");
    expectDone(one);
    expect(one.output).toContain('{"who": "sam"}');
    expectDone(await tools.run("sam", "remote", "invoke", ...of, "--test-event-name", "one"));
    expectDone(await tools.run("sam", "remote", "test-event", "delete", ...of, "--name", "one"));
    const list = await tools.run("sam", "remote", "test-event", "list", ...of);
    expectDone(list);
    expect(list.output.trim()).toMatch(/(?:^|\n)two$/);
  });

  test("sam sync --code sends code without a deployment", async () => {
    const { tools } = state();
    tools.write({ "src/index.js": "exports.handler = async () => ({ message: 'synced' });\n" });
    const synced = await tools.run("sam", ...SYNC);
    expectDone(synced);
    expect(await answerOf(state(), project)).toEqual({ message: "synced" });
  });
});
