/** What a function may be given, and what an invoke answers: the limits and statuses that AWS documents. */
import type { FakeFunction } from "@thaw/server/testing/fakes";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { HttpHarness } from "./http-harness.ts";
import { type Input, toRequest } from "./replay.ts";

const streaming: FakeFunction = {
  handle: async (process, { requestId }) => {
    const pieces = async function* (): AsyncGenerator<Buffer> {
      yield Buffer.from("<p>");
      yield Buffer.from("</p>");
    };
    await process.callBytes("POST", `/2018-06-01/runtime/invocation/${requestId}/response`, pieces(), {
      "content-type": "text/html",
      "lambda-runtime-function-response-mode": "streaming",
    });
    return "null";
  },
};

const arn: FakeFunction = {
  handle: (_process, { headers }) => JSON.stringify(headers["Lambda-Runtime-Invoked-Function-Arn"]),
};

let harness: HttpHarness;
beforeAll(async () => {
  harness = await HttpHarness.start({ functions: { good: { handle: () => "1" }, streaming, arn } });
  for (const name of ["good", "streaming"]) await harness.control.create(name, name, { snapStart: false });
});
afterAll(() => harness[Symbol.asyncDispose]());

async function create(more: Input): Promise<{ readonly status: number; readonly type: string | null; text: string }> {
  const wanted = {
    FunctionName: "made",
    Role: "arn:aws:iam::000000000000:role/r",
    Runtime: "python3.13",
    Handler: "a.b",
    Code: { ZipFile: Buffer.from("good").toString("base64") },
    ...more,
  };
  const response = await harness.fetch(...toRequest("CreateFunction", wanted));
  const text = await response.text();
  if (response.status === 201) await harness.control.call("DeleteFunction", { FunctionName: "made" });
  return { status: response.status, type: response.headers.get("x-amzn-errortype"), text };
}

const variables = (...names: readonly string[]): Input => ({
  Environment: { Variables: Object.fromEntries(names.map((name) => [name, "x"])) },
});
const atLeast = (least: number): string => `Member must have value greater than or equal to ${least}`;
const atMost = (most: number): string => `Member must have value less than or equal to ${most}`;

describe("a function", () => {
  it.for([
    ["ValidationException", atLeast(128), { MemorySize: 127 }],
    ["InvalidParameterValueException", atMost(10_240), { MemorySize: 10_241 }],
    ["ValidationException", atLeast(1), { Timeout: 0 }],
    ["InvalidParameterValueException", atMost(900), { Timeout: 901 }],
    ["ValidationException", atLeast(512), { EphemeralStorage: { Size: 511 } }],
    ["ValidationException", atMost(10_240), { EphemeralStorage: { Size: 10_241 } }],
    ["ValidationException", "[a-zA-Z]([a-zA-Z0-9_])+", variables("A")],
    ["ValidationException", "[a-zA-Z]([a-zA-Z0-9_])+", variables("A-B")],
    ["ValidationException", "[a-zA-Z]([a-zA-Z0-9_])+", variables("_HANDLER")],
    ["ValidationException", atMostMembers(1500), imageOf({ Command: Array.from({ length: 1501 }, () => "a") })],
    ["ValidationException", atMostMembers(1000), imageOf({ WorkingDirectory: "/".repeat(1001) })],
    [
      "InvalidParameterValueException",
      "ImageConfig must be smaller than 16384 bytes.",
      imageOf({ Command: ["a".repeat(16_384)] }),
    ],
  ] as const)("%s %s: %j", async ([type, text, input]) => {
    const answer = await create(input);
    expect([answer.status, answer.type]).toEqual([400, type]);
    expect((JSON.parse(answer.text) as { readonly message: string }).message).toContain(text);
  });

  it.for([{ MemorySize: 10_240 }, { Timeout: 900 }, { EphemeralStorage: { Size: 10_240 } }])(
    "may have %j",
    async (input) => {
      expect((await create(input)).status).toBe(201);
    },
  );

  it("sets no variable that is the platform's, and is told which", async () => {
    const reserved = [
      "AWS_DEFAULT_REGION",
      "AWS_REGION",
      "AWS_EXECUTION_ENV",
      "AWS_LAMBDA_FUNCTION_NAME",
      "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
      "AWS_LAMBDA_FUNCTION_VERSION",
      "AWS_LAMBDA_INITIALIZATION_TYPE",
      "AWS_LAMBDA_LOG_GROUP_NAME",
      "AWS_LAMBDA_LOG_STREAM_NAME",
      "AWS_ACCESS_KEY",
      "AWS_ACCESS_KEY_ID",
      "AWS_SECRET_ACCESS_KEY",
      "AWS_SESSION_TOKEN",
      "AWS_LAMBDA_RUNTIME_API",
      "AWS_LAMBDA_METADATA_API",
      "AWS_LAMBDA_METADATA_TOKEN",
      "LAMBDA_TASK_ROOT",
      "LAMBDA_RUNTIME_DIR",
    ];
    for (const name of reserved)
      expect((await create(variables("OWN", name))).text).toContain(`Reserved keys used in this request: ${name}"`);
    const free = ["LANG", "PATH", "LD_LIBRARY_PATH", "TZ", "NODE_PATH", "PYTHONPATH", "GEM_PATH"];
    const tracing = ["AWS_XRAY_CONTEXT_MISSING", "AWS_XRAY_DAEMON_ADDRESS", "AWS_LAMBDA_EXEC_WRAPPER"];
    expect((await create(variables(...free, ...tracing))).status).toBe(201);
  });

  it("shows variables that were given, though there are none", async () => {
    const shown = async (input: Input): Promise<unknown> =>
      (JSON.parse((await create(input)).text) as { readonly Environment?: unknown }).Environment;
    expect([await shown({ Environment: { Variables: {} } }), await shown({})]).toEqual([{ Variables: {} }, undefined]);
  });

  it.for(["Runtime", "Handler", "Layers"])("of an image is not given its %s", async (member) => {
    const values: Input = { Runtime: "python3.13", Handler: "a.b", Layers: [await layer()] };
    const answer = await create({ ...imageOf({}), [member]: values[member] });
    expect(answer.text).toContain(`Please don't provide ${member} for a function with packageType Image`);
  });
});

function atMostMembers(most: number): string {
  return `Member must have length less than or equal to ${most}`;
}

function imageOf(ImageConfig: Input): Input {
  const Code = { ImageUri: "repository:latest" };
  return { PackageType: "Image", Code, ImageConfig, Runtime: undefined, Handler: undefined };
}

async function layer(): Promise<string> {
  const Content = { ZipFile: Buffer.from("layer") };
  const made = await harness.control.call("PublishLayerVersion", { LayerName: "l", Content });
  return (made as { readonly LayerVersionArn: string }).LayerVersionArn;
}

describe("an invoke", () => {
  const invoke = (input: Input): Promise<unknown> => harness.control.call("Invoke", input);

  it("that is a dry run runs nothing", async () => {
    const runs = harness.control.life.engine.steps.length;
    for (const operation of ["Invoke", "InvokeWithResponseStream"] as const) {
      const input = { FunctionName: "good", InvocationType: "DryRun" };
      expect(await harness.control.call(operation, input)).toMatchObject({ StatusCode: 204 });
    }
    expect(harness.control.life.engine.steps.length).toBe(runs);
  });

  it("tells the function its ARN as the caller named it", async () => {
    await harness.control.create("named", "arn", { snapStart: false });
    const version = await harness.control.publish("named");
    await harness.control.call("CreateAlias", { FunctionName: "named", Name: "live", FunctionVersion: version });
    const arn = "arn:aws:lambda:us-east-1:000000000000:function:named";
    for (const [FunctionName, Qualifier, seen] of [
      ["named", undefined, arn],
      [arn, undefined, arn],
      ["named", "$LATEST", `${arn}:$LATEST`],
      ["named", version, `${arn}:${version}`],
      ["named:live", undefined, `${arn}:live`],
      [`${arn}:live`, "live", `${arn}:live`],
    ] as const) {
      const answer = await invoke({ FunctionName, ...(Qualifier === undefined ? {} : { Qualifier }) });
      expect(JSON.parse(String((answer as { readonly Payload: Buffer }).Payload))).toBe(seen);
    }
  });

  it("takes a client context that is larger than AWS's", async () => {
    const ClientContext = Buffer.from(JSON.stringify({ custom: { a: "x".repeat(5000) } })).toString("base64");
    expect(await invoke({ FunctionName: "good", ClientContext })).toMatchObject({ StatusCode: 200 });
  });

  it.for([
    ["good", "application/octet-stream", "1"],
    ["streaming", "text/html", "</p>"],
  ] as const)(
    "with a response stream of %s tells its type %s beside that of the stream",
    async ([name, type, last]) => {
      const response = await harness.fetch(...toRequest("InvokeWithResponseStream", { FunctionName: name }));
      const { headers } = response;
      expect([response.status, headers.get("content-type"), headers.get("x-amzn-remapped-content-type")]).toEqual([
        200,
        "application/vnd.amazon.eventstream",
        type,
      ]);
      expect(headers.get("x-amz-executed-version")).toBe("$LATEST");
      const text = Buffer.from(await response.arrayBuffer()).toString("latin1");
      // Names of a frame's headers, in the order in which they were recorded.
      const order = [":event-type", "PayloadChunk", ":content-type", "application/octet-stream", ":message-type"];
      const places = order.map((each) => text.indexOf(each));
      expect(places).toEqual(places.toSorted((a, b) => a - b));
      expect(places).not.toContain(-1);
      expect(text.lastIndexOf("InvokeComplete")).toBeGreaterThan(text.lastIndexOf(last));
    },
  );
});
