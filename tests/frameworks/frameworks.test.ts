// matrix: a publish and two clones for each framework
/**
 * Frameworks with SnapStart: each with a small function of its own, from tests/functions/frameworks. The invokes of a
 * published version are served by clones of its snapshot.
 */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { type CreateFunctionCommandInput, DeleteFunctionCommand } from "@aws-sdk/client-lambda";
import { afterEach, describe, it } from "vitest";
import { REPOSITORY } from "../../tools/thaw-server.ts";
import type { Files, Invoked, TestFunctions } from "../support/functions.ts";
import { httpApiEvent } from "../support/http-api-event.ts";
import { withThaw } from "../support/with-thaw.ts";

const SOURCES = join(REPOSITORY, "tests/functions/frameworks");
const BUILT = join(REPOSITORY, ".thaw/framework-functions");

let functions: TestFunctions;
withThaw((made) => {
  functions = made;
});

/** What a test made: it is deleted, so that its environments make room for those of the next one. */
const made: string[] = [];
afterEach(async () => {
  for (const FunctionName of made.splice(0)) await functions.lambda.send(new DeleteFunctionCommand({ FunctionName }));
});

function filesBelow(dir: string): Record<string, Buffer> {
  const paths = readdirSync(dir, { recursive: true }).map((name) => join(dir, String(name)));
  const files = paths.filter((path) => statSync(path).isFile() && !/\/tests\/|\.d\.m?ts$|\.map$/.test(path));
  return Object.fromEntries(files.map((path) => [relative(dir, path), readFileSync(path)]));
}

function source(path: string): Buffer {
  return readFileSync(join(SOURCES, path));
}

/** Publishes a version with SnapStart; returns how a clone of it is invoked. */
async function published(
  files: Files,
  options: Partial<CreateFunctionCommandInput>,
): Promise<(event: unknown) => Promise<Invoked>> {
  const name = await functions.createSnapStart(files, { Timeout: 20, ...options });
  made.push(name);
  const version = await functions.publish(name);
  return (event) => functions.invoke(name, event, version);
}

interface HttpAnswer {
  readonly statusCode: number;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly cookies?: readonly string[];
}

async function http(
  invoke: (event: unknown) => Promise<Invoked>,
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; body: unknown; cookies: readonly string[] }> {
  const { payload, functionError, log } = await invoke(httpApiEvent({ method, path, body }));
  if (functionError !== undefined) throw new Error(`${functionError}: ${JSON.stringify(payload)}\n${log}`);
  const answer = payload as HttpAnswer;
  const one = answer.headers?.["set-cookie"];
  const cookies = [...(answer.cookies ?? []), ...(one === undefined ? [] : [one])];
  return { status: answer.statusCode, body: JSON.parse(answer.body), cookies };
}

describe("Python", () => {
  const python = (app: string): Promise<(event: unknown) => Promise<Invoked>> =>
    published(
      { ...filesBelow(join(BUILT, "python")), [`${app}.py`]: source(`python/${app}.py`) },
      { Runtime: "python3.13", Handler: `${app}.handler`, MemorySize: 512 },
    );

  it("FastAPI behind Mangum", async ({ expect }) => {
    const invoke = await python("fastapi_app");
    expect(await http(invoke, "GET", "/pets/1")).toMatchObject({ status: 200, body: { name: "Rex" } });
    const created = await http(invoke, "POST", "/pets", { name: "Mia", age: 3 });
    expect(created).toMatchObject({ status: 201, body: { id: expect.stringMatching(/^[0-9a-f-]{36}$/) } });
    expect(await http(invoke, "POST", "/pets", { name: "Mia", age: "old" })).toMatchObject({ status: 422 });
    expect(await http(invoke, "GET", "/pets/9")).toMatchObject({ status: 404, body: { detail: "no such pet" } });
  });

  it("Flask behind apig-wsgi", async ({ expect }) => {
    const invoke = await python("flask_app");
    expect(await http(invoke, "GET", "/hello/Ada?lang=de")).toMatchObject({
      status: 200,
      body: { greeting: "Hello, Ada", language: "de" },
    });
    expect(await http(invoke, "POST", "/hello", { a: 1 })).toMatchObject({
      status: 201,
      body: { got: { a: 1 } },
      cookies: [expect.stringMatching(/^session=s1/)],
    });
  });

  it("pandas", async ({ expect }) => {
    const invoke = await python("pandas_app");
    const { payload } = await invoke({
      orders: [
        { item: "a", count: 2 },
        { item: "c", count: 1 },
      ],
    });
    expect(payload).toMatchObject({ total: 7.25, byItem: { a: 3, c: 4.25 } });
  });

  it("Powertools", async ({ expect }) => {
    const invoke = await python("powertools_app");
    expect(await http(invoke, "GET", "/pets/7")).toMatchObject({ status: 200, body: { id: "7" } });
    const { log } = await invoke(httpApiEvent({ method: "GET", path: "/pets/8" }));
    expect(lines(log)).toContainEqual(expect.objectContaining({ message: "read a pet", pet_id: "8", service: "pets" }));
    expect(lines(log)).toContainEqual(expect.objectContaining({ Reads: [1], service: "pets" }));
  });
});

describe("Node.js", () => {
  const node = (
    file: string,
    variables: Readonly<Record<string, string>> = {},
  ): Promise<(event: unknown) => Promise<Invoked>> => {
    const handler = `${file.slice(0, file.lastIndexOf("."))}.handler`;
    return published(
      { ...filesBelow(join(BUILT, "node")), [file]: source(`node/${file}`) },
      { Runtime: "nodejs24.x", Handler: handler, Environment: { Variables: variables } },
    );
  };

  it("Express behind serverless-http", async ({ expect }) => {
    const invoke = await node("express.js");
    expect(await http(invoke, "GET", "/pets/1")).toMatchObject({ status: 200, body: { name: "Rex" } });
    expect(await http(invoke, "POST", "/pets", { name: "Mia" })).toMatchObject({
      status: 201,
      body: { id: expect.stringMatching(/^[0-9a-f-]{36}$/) },
      cookies: [expect.stringMatching(/^session=s1/)],
    });
    expect(await http(invoke, "GET", "/pets/9")).toMatchObject({ status: 404 });
  });

  it("fastify behind its adapter, made ready in Init", async ({ expect }) => {
    // A CommonJS module of fastify's requires an ES module, which AWS's runtimes refuse without this.
    const invoke = await node("fastify.mjs", { NODE_OPTIONS: "--experimental-require-module" });
    expect(await http(invoke, "GET", "/pets/5?lang=de")).toMatchObject({ status: 200, body: { id: "5", lang: "de" } });
    expect(await http(invoke, "POST", "/pets", { name: "Mia" })).toMatchObject({ status: 201, body: { name: "Mia" } });
  });

  it("Powertools with middy", async ({ expect }) => {
    const invoke = await node("powertools.mjs");
    const { payload, log } = await invoke({ id: "7" });
    expect(payload).toEqual({ id: "7" });
    expect(lines(log)).toContainEqual(expect.objectContaining({ message: "read a pet", petId: "7", service: "pets" }));
    expect(lines(log)).toContainEqual(expect.objectContaining({ Reads: 1, service: "pets" }));
  });

  it("the SDK for JavaScript v3: a client of Init refreshes to the clone's credentials", async ({ expect }) => {
    const invoke = await published({ "sdk.mjs": source("node/sdk.mjs") }, { Handler: "sdk.handler" });
    expect((await invoke({})).payload).toEqual({ isOwn: true, isFresh: true, region: "us-east-1" });
  });
});

const BOOTSTRAP = { Runtime: "provided.al2023", Handler: "function.handler" } as const;

describe("programs", () => {
  it("Rust: lambda_runtime", async ({ expect }) => {
    const bootstrap = readFileSync(join(BUILT, "rust/bootstrap"));
    const invoke = await published({ bootstrap }, { ...BOOTSTRAP, FunctionName: "rust" });
    expect((await invoke({ name: "Ada" })).payload).toMatchObject({
      greeting: "Hello, Ada",
      requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      function: "rust",
    });
    const failed = await invoke({ name: "" });
    expect(failed.functionError).toBe("Unhandled");
    expect(failed.payload).toMatchObject({ errorMessage: "a name is needed" });
  });

  it("Go: aws-lambda-go", async ({ expect, skip }) => {
    const path = join(BUILT, "go/bootstrap");
    if (statSync(path, { throwIfNoEntry: false }) === undefined) skip("Go was not there at the set-up");
    const invoke = await published({ bootstrap: readFileSync(path) }, { ...BOOTSTRAP, FunctionName: "go" });
    expect((await invoke({ name: "Ada" })).payload).toMatchObject({ greeting: "Hello, Ada", function: "go" });
    const failed = await invoke({ name: "" });
    expect(failed.payload).toEqual({ errorMessage: "a name is needed", errorType: "errorString" });
    const panicked = await invoke({ name: "panic" });
    expect(panicked.payload).toMatchObject({ errorMessage: "as asked", errorType: "string" });
    expect((await invoke({ name: "Ada" })).payload).toMatchObject({ greeting: "Hello, Ada" });
  });

  it("bash: AWS's tutorial of a custom runtime", async ({ expect }) => {
    const files = { bootstrap: source("bash/bootstrap"), "function.sh": source("bash/function.sh") };
    const invoke = await published(files, BOOTSTRAP);
    const { payload, log } = await invoke({ a: 1 });
    expect(payload).toMatchObject({ echo: { a: 1 } });
    expect(log).toContain('event: {"a":1}');
    const failed = await invoke({ a: "fail" });
    expect(failed.payload).toEqual({ errorMessage: "the handler failed", errorType: "Handler.Failed" });
  });
});

/** The lines of a log that are JSON. */
function lines(log: string): unknown[] {
  return log
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as unknown);
}
