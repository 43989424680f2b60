/**
 * What AWS's clients do with functions, once for each convention. Most is AWS's own code: these tests hold it to
 * our native part, our start of it, and the versions that were taken.
 */
import { describe, expect, it, test } from "vitest";
import { type RuntimeOptions, type RuntimeRun, runFunction } from "./testing/runtime-process.ts";

/** The first answer, with its body parsed. */
async function answerOf(major: number, source: string, more: Partial<RuntimeOptions> = {}): Promise<unknown> {
  const { answers, output } = await runFunction(major, { files: { "index.js": source }, ...more });
  const [first] = answers;
  if (first === undefined) throw new Error(`no answer:\n${output}`);
  return [first.kind, JSON.parse(first.body)];
}

const run = (major: number, source: string, more: Partial<RuntimeOptions> = {}): Promise<RuntimeRun> =>
  runFunction(major, { files: { "index.js": source }, ...more });

const error = (errorType: string, errorMessage: unknown): unknown => [
  "error",
  expect.objectContaining({ errorType, errorMessage }),
];

const UNREADABLE =
  "callback called with Error argument, but there was a problem while retrieving one or more of its message, name, and stack";

describe("Node.js 22", () => {
  it.for<[string, string, unknown]>([
    ["a callback", "(e, c, done) => done(null, { a: 1 })", ["response", { a: 1 }]],
    ["a late callback", "(e, c, done) => setTimeout(() => done(null, 1), 20)", ["response", 1]],
    ["the first callback only", "(e, c, done) => { done(null, 1); done(null, 2); }", ["response", 1]],
    ["a callback never called", "(e, c, done) => {}", ["response", null]],
    ["a plain return", "() => 'x'", ["response", null]],
    ["a promise of three parameters", "async (e, c, done) => 'x'", ["response", "x"]],
    ["something with then", "() => ({ then: (ok) => ok('x') })", ["response", "x"]],
    ["undefined", "async () => undefined", ["response", null]],
    ["succeed", "(e, c) => c.succeed('x')", ["response", "x"]],
    ["done", "(e, c) => c.done(null, 'x')", ["response", "x"]],
    ["fail", "(e, c) => c.fail(new RangeError('no'))", error("RangeError", "no")],
    ["fail with nothing", "(e, c) => c.fail()", error("string", "handled")],
    ["callback with a text", "(e, c, done) => done('no')", error("string", "no")],
    ["a throw before any promise", "() => { throw new TypeError('no'); }", error("TypeError", "no")],
    ["a promise that never settles", "() => new Promise(() => {})", ["response", null]],
    ["BigInt", "async () => 1n", error("Error", "Unable to stringify response body")],
    ["a cycle", "async () => { const a = {}; a.a = a; return a; }", error("Error", expect.any(String))],
    ["a string thrown", "async () => { throw 'no'; }", error("string", "no")],
    [
      "an error that can't be read",
      "async () => { throw Object.defineProperty(new Error(), 'message', { get() { throw 1; } }); }",
      error("handled", UNREADABLE),
    ],
    [
      "an error with a cycle and BigInt",
      "async () => { const e = new Error('no'); e.e = e; e.n = 1n; throw e; }",
      error("Error", "no"),
    ],
  ])("%s", async ([, source, want], { expect: expected }) => {
    expected(await answerOf(22, `exports.handler = ${source};`)).toEqual(want);
  });

  test("waits for the event loop, unless told not to", async () => {
    const source = (waits: boolean): string => `exports.handler = (event, context, done) => {
      context.callbackWaitsForEmptyEventLoop = ${String(waits)};
      setTimeout(() => console.log("later"), ${waits ? 200 : 3_600_000});
      done(null, 1);
    };`;
    const waited = await run(22, source(true));
    expect([waited.answers[0]?.body, waited.output.includes("later")]).toEqual(["1", true]);
    const hurried = await run(22, source(false));
    expect([hurried.answers[0]?.body, hurried.output.includes("later")]).toEqual(["1", false]);
  });

  test("a response is out before the process ends", async () => {
    const { answers, exitCode } = await run(
      22,
      `exports.handler = (event, context, done) => {
        context.callbackWaitsForEmptyEventLoop = false;
        done(null, "x".repeat(3_000_000));
        process.exit(7);
      };`,
    );
    expect([answers[0]?.kind, answers[0]?.body.length, exitCode]).toEqual(["response", 3_000_002, 7]);
  });

  it.for<[string, string, string, number]>([
    ["Error", "setTimeout(() => { throw new Error('stray'); })", "Uncaught Exception", 129],
    ["Runtime.UnhandledPromiseRejection", "Promise.reject(new Error('stray'))", "Unhandled Promise Rejection", 128],
  ])("%s that nobody catches ends the process, with the invocation's answer", async ([type, code, line, status]) => {
    const source = `exports.handler = () => new Promise(() => { ${code}; setTimeout(() => {}, 60_000); });`;
    const { answers, output, exitCode } = await run(22, source);
    expect([answers[0]?.kind, JSON.parse(answers[0]?.body ?? "")]).toEqual([
      "error",
      expect.objectContaining({ errorType: type, errorMessage: expect.stringContaining("stray") }),
    ]);
    expect(output).toContain(`\trequest-1\tERROR\t${line} \t{"errorType":"${type}"`);
    expect(exitCode).toBe(status);
  });
});

describe("Node.js 24", () => {
  it.for<[string, string, unknown]>([
    ["a plain return", "() => 'x'", ["response", "x"]],
    ["something with then", "() => ({ then: (ok) => ok('x') })", ["response", "x"]],
    ["no succeed", "(e, c) => c.succeed('x')", error("TypeError", "c.succeed is not a function")],
    ["BigInt", "async () => 1n", error("Runtime.JSONStringifyError", "Unable to stringify response body")],
    ["a string thrown", "async () => { throw 'no'; }", error("string", "no")],
    [
      "an error that can't be read",
      "async () => { throw Object.defineProperty(new Error(), 'message', { get() { throw 1; } }); }",
      error("handled", UNREADABLE),
    ],
  ])("%s", async ([, source, want], { expect: expected }) => {
    expected(await answerOf(24, `exports.handler = ${source};`)).toEqual(want);
  });

  test("refuses a handler with three parameters at Init", async () => {
    const { answers, output, exitCode } = await run(24, "exports.handler = (event, context, done) => done(null, 1);");
    expect(answers[0]).toMatchObject({
      kind: "init/error",
      headers: { "lambda-runtime-function-error-type": "Runtime.CallbackHandlerDeprecated" },
    });
    expect(JSON.parse(answers[0]?.body ?? "")).toMatchObject({
      errorType: "Runtime.CallbackHandlerDeprecated",
      errorMessage:
        "ERROR: AWS Lambda has removed support for callback-based function handlers starting with Node.js 24. You need to modify this function to use a supported handler signature to use Node.js 24 or later. For more information see https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html.",
    });
    expect([output.includes("ERROR\tInit Error"), exitCode]).toEqual([true, 1]);
  });

  it.for<[string, string, number]>([
    ["a promise that never settles", "() => new Promise(() => {})", 0],
    [
      "a rejection that nobody catches",
      "() => { Promise.reject(new Error('stray')); return new Promise(() => {}); }",
      1,
    ],
  ])("%s ends the process without an answer", async ([, source, status]) => {
    const { answers, exitCode } = await run(24, `exports.handler = ${source};`);
    expect([answers, exitCode]).toEqual([[], status]);
  });
});

describe.each([20, 22, 24])("Node.js %i", (major) => {
  test("streams what a streaming handler writes, with the head before it", async () => {
    const source = `exports.handler = awslambda.streamifyResponse(async (event, stream) => {
      const http = awslambda.HttpResponseStream.from(stream, { statusCode: 201 });
      http.write("a");
      http.end("b");
    });`;
    const { answers } = await run(major, source);
    expect(answers[0]).toMatchObject({
      kind: "response",
      body: `{"statusCode":201}${"\0".repeat(8)}ab`,
      headers: {
        "lambda-runtime-function-response-mode": "streaming",
        "transfer-encoding": "chunked",
        "content-type": "application/vnd.awslambda.http-integration-response",
      },
    });
  });

  test("tells an error in mid-stream in the trailers", async () => {
    const source = `exports.handler = awslambda.streamifyResponse(async (event, stream) => {
      stream.write("a");
      throw new RangeError("late");
    });`;
    const { answers, exitCode } = await run(major, source, { events: [{}, {}] });
    expect([answers.length, answers[0]?.body, exitCode]).toEqual([2, "a", null]);
    const trailers = answers[0]?.trailers ?? {};
    expect(trailers["lambda-runtime-function-error-type"]).toBe("RangeError");
    const body = Buffer.from(trailers["lambda-runtime-function-error-body"] ?? "", "base64").toString();
    expect(JSON.parse(body)).toMatchObject({ errorType: "RangeError", errorMessage: "late" });
  });

  test("keeps our part of the global", async () => {
    const source = "exports.handler = async () => Object.keys(awslambda).toSorted();";
    expect(await answerOf(major, source)).toEqual([
      "response",
      expect.arrayContaining(["HttpResponseStream", "snapStart", "streamifyResponse"]),
    ]);
  });

  test("is not reached by what a function puts in the place of http and net", async () => {
    // Node.js 20 makes its own standard output with it.
    const kept = major === 20 ? "Socket" : "none";
    const { answers, output } = await runFunction(major, {
      files: {
        "index.js": "exports.handler = async (event) => event;",
        "first.js": `for (const name of ["http", "net"]) for (const key of Object.keys(require(name)))
          if (typeof require(name)[key] === "function" && !["Agent", "${kept}"].includes(key)) require(name)[key] = () => { throw 1; };`,
      },
      env: { NODE_OPTIONS: "--require=./first.js" },
      events: [1, 2],
    });
    expect(
      answers.map(({ body }) => body),
      output,
    ).toEqual(["1", "2"]);
  });

  test("writes AWS's lines", async () => {
    const source = `console.log("a\\nb %d", 1); exports.handler = async () => { console.warn({ a: 1 }); throw new Error("no"); };`;
    const { output } = await run(major, source);
    expect(output).toMatch(/Z\t(undefined|-)\tINFO\ta\rb 1\n/);
    expect(output).toMatch(/Z\trequest-1\tWARN\t\{ a: 1 \}\n/);
    expect(output).toMatch(/Z\trequest-1\tERROR\tInvoke Error \t\{"errorType":"Error","errorMessage":"no","stack":\[/);
  });

  test("writes JSON, from its level on", async () => {
    const source = `exports.handler = async () => {
      console.debug("hidden"); console.info("hidden"); console.warn("a"); console.error(new TypeError("no"));
      console.error("two", new RangeError("more"));
    };`;
    const { output } = await run(major, source, {
      env: { AWS_LAMBDA_LOG_FORMAT: "JSON", AWS_LAMBDA_LOG_LEVEL: "WARN" },
    });
    const lines = output
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as unknown);
    expect(lines).toMatchObject([
      { level: "WARN", requestId: "request-1", message: "a", timestamp: expect.any(String) },
      { level: "ERROR", message: { errorType: "TypeError", errorMessage: "no", stackTrace: expect.any(Array) } },
      { level: "ERROR", message: expect.stringMatching(/^two RangeError/), errorType: "RangeError" },
    ]);
  });
});
