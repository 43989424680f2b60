/** Function URLs on the real engine, called by any HTTP client: fresh, from clones of a snapshot, streamed. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { CreateAliasCommand, GetFunctionUrlConfigCommand } from "@aws-sdk/client-lambda";
import { signRequest } from "@thaw/aws-api";
import { describe, it } from "vitest";
import { REPOSITORY } from "../../tools/thaw-server.ts";
import { makeFunctionUrl } from "../support/function-url.ts";
import type { TestFunctions } from "../support/functions.ts";
import { withThaw } from "../support/with-thaw.ts";

const HANDLER = `
let calls = 0;
exports.handler = async (event, context) => {
  calls += 1;
  if (event.rawPath === "/fail") throw new Error("secret");
  if (event.rawPath === "/hang") return new Promise(() => setTimeout(() => {}, 1e6));
  const body = JSON.stringify({ calls, event, requestId: context.awsRequestId, arn: context.invokedFunctionArn });
  return { statusCode: 201, headers: { "X-Custom": "yes" }, cookies: ["a=1", "b=2"], body };
};`;
const STREAMER = { bootstrap: readFileSync(join(REPOSITORY, "tests/functions/plain/url_streamer.py"), "utf8") };

let functions: TestFunctions;
let echo: string;
let streamer: string;
withThaw(async (made) => {
  functions = made;
  echo = await functions.createSnapStart({ "index.js": HANDLER }, { Timeout: 8 });
  const provided = { Runtime: "provided.al2023", Handler: "x", MemorySize: 256, Timeout: 8 } as const;
  streamer = await functions.createSnapStart(STREAMER, provided);
  for (const FunctionName of [echo, streamer]) {
    const FunctionVersion = await functions.publish(FunctionName);
    await functions.lambda.send(new CreateAliasCommand({ FunctionName, Name: "live", FunctionVersion }));
  }
});

describe.each([
  ["$LATEST", {}],
  ["a clone", { Qualifier: "live" }],
] as const)("the URL of %s", (kind, qualified) => {
  it("gives the request to the function, and its answer to the client", async ({ expect }) => {
    const url = await makeFunctionUrl(functions, { FunctionName: echo, ...qualified });
    const answer = await fetch(`${url}custom_path/extend?test_param=test_value`, {
      method: "POST",
      headers: { "content-type": "text/plain" },
      body: "text",
    });
    expect([answer.status, answer.headers.get("x-custom"), answer.headers.getSetCookie()]).toEqual([
      201,
      "yes",
      ["a=1", "b=2"],
    ]);
    const { calls, event, requestId, arn } = (await answer.json()) as Record<string, unknown>;
    expect([calls, requestId]).toEqual([1, answer.headers.get("x-amzn-requestid")]);
    expect(arn).toMatch(kind === "$LATEST" ? /:test-1$/ : /:test-1:live$/);
    expect(event).toMatchObject({
      rawPath: "/custom_path/extend",
      queryStringParameters: { test_param: "test_value" },
      body: "text",
      isBase64Encoded: false,
      requestContext: { requestId, http: { method: "POST", sourceIp: "127.0.0.1" } },
    });
    const failed = await fetch(`${url}fail`);
    expect([failed.status, await failed.text()]).toEqual([502, "Internal Server Error"]);
    const hung = await fetch(`${url}hang`);
    expect([hung.status, await hung.text()]).toEqual([502, "Internal Server Error"]);
    const restored = (await functions.environments(echo)).some(({ isRestored }) => isRestored);
    expect(restored).toBe(kind === "a clone");
  });

  it("streams what the function streams, while it does", async ({ expect }) => {
    const url = await makeFunctionUrl(functions, {
      FunctionName: streamer,
      InvokeMode: "RESPONSE_STREAM",
      ...qualified,
    });
    const answer = await fetch(`${url}full`);
    expect([answer.status, answer.headers.get("content-type"), answer.headers.getSetCookie()]).toEqual([
      206,
      "text/event-stream",
      ["a=1", "b=2"],
    ]);
    expect(await answer.text()).toBe("first;second;");
    const plain = await fetch(`${url}plain`);
    expect([plain.status, plain.headers.get("content-type"), await plain.text()]).toEqual([
      200,
      "text/css",
      "first;second;",
    ]);
    expect((await fetch(`${url}broken`)).status).toBe(502);
    const late = await fetch(`${url}late`);
    expect([late.status, await late.text()]).toEqual([206, "first;second;"]);
    await functions.eventually("the late error is in a REPORT", async () =>
      (await functions.logs(streamer)).some(({ message }) => message.includes("Error Type: Function.Late")),
    );
    const hanging = await fetch(`${url}hang`);
    const reader = hanging.body?.getReader();
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe("first;");
    await expect(reader?.read()).rejects.toThrow();
  });

  it("goes on when its client hangs up", async ({ expect }) => {
    const url = await urlOf(qualified);
    const leaving = new AbortController();
    const answer = await fetch(`${url}long`, { signal: leaving.signal });
    await answer.body?.getReader().read();
    leaving.abort();
    const mayRest = new Set(["idle", "parked"]);
    await functions.eventually("its environments rest", async () =>
      (await functions.environments(streamer)).every(({ state }) => mayRest.has(state)),
    );
    expect((await fetch(`${url}starts`)).status).toBe(200);
  });
});

async function urlOf(qualified: { readonly Qualifier?: string }): Promise<string> {
  const { FunctionUrl } = await functions.lambda.send(
    new GetFunctionUrlConfigCommand({ FunctionName: streamer, ...qualified }),
  );
  return FunctionUrl ?? "";
}

it("a URL with AWS_IAM takes what is signed with the account's key, by its host as by its path", async ({ expect }) => {
  const name = await functions.create({ "index.js": HANDLER });
  const url = new URL(await makeFunctionUrl(functions, { FunctionName: name, AuthType: "AWS_IAM" }));
  expect((await fetch(url)).status).toBe(403);
  const credentials = {
    accessKeyId: functions.server.env["AWS_ACCESS_KEY_ID"] ?? "",
    secretAccessKey: functions.server.env["AWS_SECRET_ACCESS_KEY"] ?? "",
  };
  const request = { method: "GET", path: url.pathname, query: "", headers: { host: url.host }, body: Buffer.alloc(0) };
  const signed = await fetch(url, { headers: signRequest(request, credentials, "us-east-1", Date.now()) });
  const { event } = (await signed.json()) as { readonly event: { readonly requestContext: unknown } };
  expect(event.requestContext).toMatchObject({
    authorizer: { iam: { accessKey: credentials.accessKeyId, accountId: "000000000000" } },
  });
});
