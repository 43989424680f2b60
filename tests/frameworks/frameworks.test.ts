// matrix: a publish and two clones for each framework
/**
 * Frameworks with SnapStart: each with a small function of its own, from tests/functions/frameworks. The invokes of a
 * published version are served by clones of its snapshot.
 */
import { InvokeCommand } from "@aws-sdk/client-lambda";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "vitest";
import { httpApiEvent } from "../support/http-api-event.ts";
import { BUILT, filesBelow, pythonLibraries, source } from "./packages.ts";
import { FrameworkFunctions, http, jsonLines, type Published } from "./published.ts";

const functions = new FrameworkFunctions();

describe("Python", () => {
  const python = (app: string): Promise<Published> =>
    functions.publish(
      { ...pythonLibraries({ hasPandas: app === "pandas_app" }), [`${app}.py`]: source(`python/${app}.py`) },
      { Runtime: "python3.13", Handler: `${app}.handler` },
    );

  it("FastAPI behind Mangum", async ({ expect }) => {
    const version = await python("fastapi_app");
    expect(await http(version, "GET", "/pets/1")).toMatchObject({ status: 200, body: { name: "Rex" } });
    const created = await http(version, "POST", "/pets", { name: "Mia", age: 3 });
    expect(created).toMatchObject({ status: 201, body: { id: expect.stringMatching(/^[0-9a-f-]{36}$/) } });
    expect(await http(version, "POST", "/pets", { name: "Mia", age: "old" })).toMatchObject({ status: 422 });
    expect(await http(version, "GET", "/pets/9")).toMatchObject({ status: 404, body: { detail: "no such pet" } });
  });

  it("Flask behind apig-wsgi", async ({ expect }) => {
    const version = await python("flask_app");
    expect(await http(version, "GET", "/hello/Ada?lang=de")).toMatchObject({
      status: 200,
      body: { greeting: "Hello, Ada", language: "de" },
    });
    expect(await http(version, "POST", "/hello", { a: 1 })).toMatchObject({
      status: 201,
      body: { got: { a: 1 } },
      cookies: [expect.stringMatching(/^session=s1/)],
    });
  });

  it("pandas", async ({ expect }) => {
    const version = await python("pandas_app");
    const { payload } = await version.invoke({
      orders: [
        { item: "a", count: 2 },
        { item: "c", count: 1 },
      ],
    });
    expect(payload).toMatchObject({ total: 7.25, byItem: { a: 3, c: 4.25 } });
  });

  it("Powertools", async ({ expect }) => {
    const version = await python("powertools_app");
    expect(await http(version, "GET", "/pets/7")).toMatchObject({ status: 200, body: { id: "7" } });
    const { log } = await version.invoke(httpApiEvent({ method: "GET", path: "/pets/8" }));
    expect(jsonLines(log)).toContainEqual(
      expect.objectContaining({ message: "read a pet", pet_id: "8", service: "pets" }),
    );
    expect(jsonLines(log)).toContainEqual(expect.objectContaining({ Reads: [1], service: "pets" }));
  });
});

describe("Node.js", () => {
  const node = (file: string, variables: Readonly<Record<string, string>> = {}): Promise<Published> => {
    const handler = `${file.slice(0, file.lastIndexOf("."))}.handler`;
    return functions.publish(
      { ...filesBelow(join(BUILT, "node")), [file]: source(`node/${file}`) },
      { Runtime: "nodejs24.x", Handler: handler, Environment: { Variables: variables } },
    );
  };

  it("Express behind serverless-http", async ({ expect }) => {
    const version = await node("express.js");
    expect(await http(version, "GET", "/pets/1")).toMatchObject({ status: 200, body: { name: "Rex" } });
    expect(await http(version, "POST", "/pets", { name: "Mia" })).toMatchObject({
      status: 201,
      body: { id: expect.stringMatching(/^[0-9a-f-]{36}$/) },
      cookies: [expect.stringMatching(/^session=s1/)],
    });
    expect(await http(version, "GET", "/pets/9")).toMatchObject({ status: 404 });
  });

  it("fastify behind its adapter, made ready in Init", async ({ expect }) => {
    // A CommonJS module of fastify's requires an ES module, which AWS's runtimes refuse without this.
    const version = await node("fastify.mjs", { NODE_OPTIONS: "--experimental-require-module" });
    expect(await http(version, "GET", "/pets/5?lang=de")).toMatchObject({ status: 200, body: { id: "5", lang: "de" } });
    expect(await http(version, "POST", "/pets", { name: "Mia" })).toMatchObject({ status: 201, body: { name: "Mia" } });
  });

  it("Powertools with middy", async ({ expect }) => {
    const version = await node("powertools.mjs");
    const { payload, log } = await version.invoke({ id: "7" });
    expect(payload).toEqual({ id: "7" });
    expect(jsonLines(log)).toContainEqual(
      expect.objectContaining({ message: "read a pet", petId: "7", service: "pets" }),
    );
    expect(jsonLines(log)).toContainEqual(expect.objectContaining({ Reads: 1, service: "pets" }));
  });

  it("the X-Ray SDK: subsegments of a sampled trace, for a daemon that is not there", async ({ expect }) => {
    const { name, version } = await node("xray.mjs");
    const root = "1-5759e988-bd862e3fe1be46a994272793";
    for (const Qualifier of ["$LATEST", version]) {
      const Payload = Buffer.from('{"id":"7"}');
      const invoke = new InvokeCommand({ FunctionName: name, Qualifier, Payload, LogType: "Tail" });
      invoke.middlewareStack.add(
        (next) => (sent) => {
          const { headers } = sent.request as { readonly headers: Record<string, string> };
          headers["x-amzn-trace-id"] = `Root=${root};Parent=53995c3f42cd8ad8;Sampled=1`;
          return next(sent);
        },
        { step: "build" },
      );
      const answer = await functions.server.lambda.send(invoke);
      expect(JSON.parse(Buffer.from(answer.Payload ?? []).toString())).toEqual({
        trace: root,
        isSampled: true,
        daemon: "127.0.0.1:2000",
      });
      const log = Buffer.from(answer.LogResult ?? "", "base64").toString();
      expect(log).toContain(`XRAY TraceId: ${root}`);
      expect(log).not.toMatch(/error/i);
    }
  });

  it("the SDK for JavaScript v3: a client of Init refreshes to the clone's credentials", async ({ expect }) => {
    const version = await functions.publish({ "sdk.mjs": source("node/sdk.mjs") }, { Handler: "sdk.handler" });
    expect((await version.invoke({})).payload).toEqual({ isOwn: true, isFresh: true, region: "us-east-1" });
  });
});

const BOOTSTRAP = { Runtime: "provided.al2023", Handler: "function.handler" } as const;

describe("programs", () => {
  it("Rust: lambda_runtime", async ({ expect }) => {
    const bootstrap = readFileSync(join(BUILT, "rust/bootstrap"));
    const version = await functions.publish({ bootstrap }, { ...BOOTSTRAP, FunctionName: "rust" });
    expect((await version.invoke({ name: "Ada" })).payload).toMatchObject({
      greeting: "Hello, Ada",
      requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      function: "rust",
    });
    const failed = await version.invoke({ name: "" });
    expect(failed.functionError).toBe("Unhandled");
    expect(failed.payload).toMatchObject({ errorMessage: "a name is needed" });
  });

  it("Go: aws-lambda-go", async ({ expect, skip }) => {
    const path = join(BUILT, "go/bootstrap");
    if (statSync(path, { throwIfNoEntry: false }) === undefined) skip("Go was not there at the set-up");
    const version = await functions.publish({ bootstrap: readFileSync(path) }, { ...BOOTSTRAP, FunctionName: "go" });
    expect((await version.invoke({ name: "Ada" })).payload).toMatchObject({ greeting: "Hello, Ada", function: "go" });
    const failed = await version.invoke({ name: "" });
    expect(failed.payload).toEqual({ errorMessage: "a name is needed", errorType: "errorString" });
    const panicked = await version.invoke({ name: "panic" });
    expect(panicked.payload).toMatchObject({ errorMessage: "as asked", errorType: "string" });
    expect((await version.invoke({ name: "Ada" })).payload).toMatchObject({ greeting: "Hello, Ada" });
  });

  it("bash: AWS's tutorial of a custom runtime", async ({ expect }) => {
    const files = { bootstrap: source("bash/bootstrap"), "function.sh": source("bash/function.sh") };
    const version = await functions.publish(files, BOOTSTRAP);
    const { payload, log } = await version.invoke({ a: 1 });
    expect(payload).toMatchObject({ echo: { a: 1 } });
    expect(log).toContain('event: {"a":1}');
    const failed = await version.invoke({ a: "fail" });
    expect(failed.payload).toEqual({ errorMessage: "the handler failed", errorType: "Handler.Failed" });
  });
});
