/** REST APIs on the real engine, made by boto3: fresh, and from clones of a snapshot. */
import { AddPermissionCommand, CreateAliasCommand } from "@aws-sdk/client-lambda";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, it } from "vitest";
import { REPOSITORY } from "../../tools/thaw-server.ts";
import type { TestFunctions } from "../support/functions.ts";
import { withThaw } from "../support/with-thaw.ts";

const run = promisify(execFile);
const PYTHON = join(REPOSITORY, ".thaw/aws-clients/bin/python");
const HANDLER = `
exports.handler = async (event) => ({
  statusCode: 201,
  headers: { "X-Custom": "yes" },
  body: JSON.stringify({ event }),
});`;

let functions: TestFunctions;
let name: string;
withThaw(async (made) => {
  functions = made;
  name = await functions.createSnapStart({ "index.js": HANDLER });
  const FunctionVersion = await functions.publish(name);
  await functions.lambda.send(new CreateAliasCommand({ FunctionName: name, Name: "live", FunctionVersion }));
});

/** An API for the function or its alias; gives its address. */
async function makeApi(qualifier: string | null): Promise<string> {
  const qualified = qualifier === null ? {} : { Qualifier: qualifier };
  const permission = { Action: "lambda:InvokeFunction", Principal: "apigateway.amazonaws.com", StatementId: "api" };
  await functions.lambda.send(new AddPermissionCommand({ FunctionName: name, ...permission, ...qualified }));
  const arn = `arn:aws:lambda:us-east-1:000000000000:function:${name}${qualifier === null ? "" : `:${qualifier}`}`;
  const { server } = functions;
  const env = { ...process.env, ...server.env, AWS_REGION: "us-east-1" };
  const { stdout } = await run(PYTHON, [join(REPOSITORY, "tests/integration/boto3_rest_apis.py"), arn, "prod"], {
    env,
  });
  return `${server.endpoint}/_thaw/api/${stdout.trim()}/prod`;
}

describe.each([
  ["$LATEST", null],
  ["a clone", "live"],
] as const)("a REST API of %s", (_kind, qualifier) => {
  it("gives requests to the function, and its answers to the client", async ({ expect }) => {
    const url = await makeApi(qualifier);
    const answer = await fetch(`${url}/pets/dog?a=b`, { method: "POST", body: "text" });
    expect([answer.status, answer.headers.get("x-custom")]).toEqual([201, "yes"]);
    expect(await answer.json()).toMatchObject({
      event: {
        resource: "/{proxy+}",
        path: "/pets/dog",
        httpMethod: "POST",
        pathParameters: { proxy: "pets/dog" },
        queryStringParameters: { a: "b" },
        stageVariables: { color: "red" },
        body: "text",
      },
    });
    const none = await fetch(url);
    expect([none.status, await none.text()]).toEqual([403, '{"message":"Missing Authentication Token"}']);
  });
});
