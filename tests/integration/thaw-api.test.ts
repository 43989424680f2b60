/**
 * Thaw's own API, both ways: every route of the table is called on a real server. Its answer is what the table
 * declares, no less (the schema) and no more (the schema drops what it does not know, and nothing may be missing then).
 */
import { GetFunctionCommand, PutProvisionedConcurrencyConfigCommand } from "@aws-sdk/client-lambda";
import { signRequest } from "@thaw/aws-api";
import { type AnswerOf, answerProblem, type RouteForm, type RouteName, ROUTES, ThawClient } from "@thaw/thaw-api";
import { expect, it } from "vitest";
import { TestFunctions } from "../support/functions.ts";
import { withThaw } from "../support/with-thaw.ts";

const CODE = { "index.mjs": "export const handler = async () => 'here';\n" };
/** Says again what it is told, in place of a debugger. */
const ECHO = {
  "index.mjs": `import { createServer } from "node:net";
import { once } from "node:events";
await once(createServer((socket) => socket.pipe(socket)).listen(7000, "127.0.0.1"), "listening");
export const handler = async () => "here";
`,
};
const ARN = "arn:aws:kms:us-east-1:000000000000:key/44444444-4444-4444-4444-444444444444";
const OTHER = "222222222222";
let functions: TestFunctions;
withThaw((made) => {
  functions = made;
});

function client(): ThawClient {
  const { endpoint, env } = functions.server;
  const credentials = {
    accessKeyId: env["AWS_ACCESS_KEY_ID"] ?? "",
    secretAccessKey: env["AWS_SECRET_ACCESS_KEY"] ?? "",
  };
  return new ThawClient(async ({ method, path, query, body, signal }) => {
    const request = { method, path, query, headers: { host: new URL(endpoint).host }, body };
    const headers = signRequest(request, credentials, "us-east-1", Date.now());
    const response = await fetch(`${endpoint}${path}${query === "" ? "" : `?${query}`}`, {
      method,
      headers,
      ...(body.length === 0 ? {} : { body: new Uint8Array(body) }),
      signal,
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response;
  });
}

async function linesOf(body: ReadableStream<Uint8Array> | null, count: number): Promise<readonly string[]> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.split("\n").length > count) break;
  }
  return text.split("\n").slice(0, count);
}

/** The document, if it is what the route declares. */
function exactly<N extends RouteName>(name: N, document: AnswerOf<N>): AnswerOf<N> {
  expect(answerProblem(name, document)).toBeNull();
  const { answer }: RouteForm = ROUTES[name];
  if (answer.kind !== "bytes") expect(document).toEqual(answer.schema.parse(document));
  return document;
}

it("every route answers with what it declares", async () => {
  const thaw = client();
  const name = await functions.createSnapStart(CODE);
  await functions.publish(name);
  expect((await functions.invoke(name, {}, "1")).payload).toBe("here");
  const plain = await functions.create(CODE);
  const provisioned = await functions.publish(plain);
  await functions.lambda.send(
    new PutProvisionedConcurrencyConfigCommand({
      FunctionName: plain,
      Qualifier: provisioned,
      ProvisionedConcurrentExecutions: 1,
    }),
  );
  const { Code } = await functions.lambda.send(new GetFunctionCommand({ FunctionName: name }));
  const codeName = new URL(Code?.Location ?? "").pathname.split("/").at(-1) ?? "";
  const snapshot = { parameters: { snapshot: `${name}:1` } };
  const testEvent = { parameters: { function: name, name: "first" } };
  const debugged = {
    function: await functions.create(ECHO, { Environment: { Variables: { THAW_DEBUG_PORT: "7000" } } }),
  };
  const connection = { ...debugged, connection: "first" };
  const debugging = new AbortController();
  let said: ReadableStream<Uint8Array> | null = null;
  const key = { body: { arn: ARN } };
  const account = { body: { accountId: OTHER } };

  /** Calls by name, so that a route without one does not compile. True where the answer held something to look at. */
  const calls: { readonly [N in RouteName]: () => Promise<boolean> } = {
    getHealth: async () => exactly("getHealth", await thaw.call("getHealth", {})).status === "ok",
    describeHost: async () => exactly("describeHost", await thaw.call("describeHost", {})).runtimes.length > 0,
    readMetrics: async () => (await (await thaw.raw("readMetrics", {})).text()).includes("thaw_invocations_total"),
    listEnvironments: async () =>
      exactly("listEnvironments", await thaw.call("listEnvironments", {})).environments.length > 0,
    listProvisioned: async () =>
      exactly("listProvisioned", await thaw.call("listProvisioned", {})).provisioned.length > 0,
    listRuntimes: async () => exactly("listRuntimes", await thaw.call("listRuntimes", {})).releases.length > 0,
    listSnapshots: async () => exactly("listSnapshots", await thaw.call("listSnapshots", {})).snapshots.length > 0,
    inspectSnapshot: async () =>
      exactly("inspectSnapshot", await thaw.call("inspectSnapshot", snapshot)).spaces.length > 0,
    verifySnapshot: async () => exactly("verifySnapshot", await thaw.call("verifySnapshot", snapshot)).isWhole,
    readLogs: async () => {
      let count = 0;
      for await (const event of thaw.lines("readLogs", { parameters: { function: name } }))
        count += exactly("readLogs", event).message.length > 0 ? 1 : 0;
      return count > 0;
    },
    searchLogs: async () => {
      const { events, before } = exactly("searchLogs", await thaw.call("searchLogs", { query: { limit: 2 } }));
      return events.length === 2 && before !== undefined;
    },
    followLogs: async () => {
      const stop = new AbortController();
      const { body } = await thaw.raw("followLogs", { query: { function: name }, signal: stop.signal });
      // Its head is there: from here on it misses nothing.
      await functions.invoke(name, {}, "1");
      const [line = ""] = await linesOf(body, 1);
      stop.abort();
      return "message" in exactly("followLogs", JSON.parse(line) as AnswerOf<"followLogs">);
    },
    putTestEvent: async () => {
      const call = { ...testEvent, body: { event: "{}" } };
      return exactly("putTestEvent", await thaw.call("putTestEvent", call)).events.length === 1;
    },
    listTestEvents: async () => {
      const answer = await thaw.call("listTestEvents", { parameters: { function: name } });
      return exactly("listTestEvents", answer).events.length === 1;
    },
    getTestEvent: async () => exactly("getTestEvent", await thaw.call("getTestEvent", testEvent)).event === "{}",
    deleteTestEvent: async () =>
      exactly("deleteTestEvent", await thaw.call("deleteTestEvent", testEvent)).events.length === 0,
    readPrimeEvents: async () => {
      const parameters = { function: `${name}:1` };
      return exactly("readPrimeEvents", await thaw.call("readPrimeEvents", { parameters })).times === 0;
    },
    createKey: async () => exactly("createKey", await thaw.call("createKey", key)).keys.length === 2,
    disableKey: async () => exactly("disableKey", await thaw.call("disableKey", key)).keys.length === 2,
    enableKey: async () => exactly("enableKey", await thaw.call("enableKey", key)).keys.length === 2,
    listKeys: async () => exactly("listKeys", await thaw.call("listKeys", { query: { limit: 1 } })).next !== undefined,
    deleteKey: async () => exactly("deleteKey", await thaw.call("deleteKey", key)).keys.length === 1,
    addAccount: async () => exactly("addAccount", await thaw.call("addAccount", account)).accountId === OTHER,
    rotateAccount: async () => exactly("rotateAccount", await thaw.call("rotateAccount", account)).accountId === OTHER,
    listAccounts: async () => exactly("listAccounts", await thaw.call("listAccounts", {})).accounts.length === 2,
    removeAccount: async () =>
      exactly("removeAccount", await thaw.call("removeAccount", account)).accounts.length === 1,
    makeConsoleCode: async () =>
      exactly("makeConsoleCode", await thaw.call("makeConsoleCode", { body: {} })).path.includes("#code="),
    exchangeConsoleCode: async () => {
      const { path } = await thaw.call("makeConsoleCode", { body: { role: "read" } });
      const code = path.slice(path.indexOf("=") + 1);
      const { session } = exactly("exchangeConsoleCode", await thaw.call("exchangeConsoleCode", { body: { code } }));
      return session.role === "read";
    },
    readConsoleSession: async () => {
      const { path } = await thaw.call("makeConsoleCode", { body: {} });
      const code = path.slice(path.indexOf("=") + 1);
      const { token } = await thaw.call("exchangeConsoleCode", { body: { code } });
      const own = new ThawClient(({ path: route }) =>
        fetch(`${functions.server.endpoint}${route}`, { headers: { authorization: `Bearer ${token}` } }),
      );
      return exactly("readConsoleSession", await own.call("readConsoleSession", {})).isOperator;
    },
    revokeConsole: async () => exactly("revokeConsole", await thaw.call("revokeConsole", {})).revoked,
    putObject: async () => {
      const parameters = { bucket: "my-bucket", key: "a/b c.zip" };
      return exactly("putObject", await thaw.call("putObject", { parameters, body: Buffer.from("x") })).sizeBytes === 1;
    },
    readObject: async () => {
      const parameters = { bucket: "my-bucket", key: "a/b c.zip" };
      return (await (await thaw.raw("readObject", { parameters })).text()) === "x";
    },
    readCode: async () =>
      (await (await thaw.raw("readCode", { parameters: { name: codeName } })).bytes()).subarray(0, 2).join() ===
      "80,75",
    checkFunction: async () => {
      const body = { function: `${name}:1`, event: "{}", clones: 2 };
      return exactly("checkFunction", await thaw.call("checkFunction", { body })).phases.length > 0;
    },
    getOverview: async () => {
      const { functions: all, invocations } = exactly("getOverview", await thaw.call("getOverview", {}));
      return all.some((each) => each.snapshot !== null) && invocations.length > 0;
    },
    listInvocations: async () =>
      exactly("listInvocations", await thaw.call("listInvocations", { query: { limit: 1 } })).before !== undefined,
    followInvocations: async () => {
      const stop = new AbortController();
      const lines = thaw.lines("followInvocations", { query: { after: 0 }, signal: stop.signal });
      const first = (await lines.next()).value;
      stop.abort();
      return first !== undefined && "requestId" in exactly("followInvocations", first);
    },
    getInvocation: async () => {
      const { invocations } = await thaw.call("listInvocations", { query: { function: name, cold: true } });
      const parameters = { requestId: invocations.at(-1)?.requestId ?? "" };
      const { phases, start } = exactly("getInvocation", await thaw.call("getInvocation", { parameters }));
      return start === "restored" && (phases["engine"] ?? 0) > 0;
    },
    readSeries: async () => exactly("readSeries", await thaw.call("readSeries", {})).points.length > 0,
    debugFunction: async () => {
      const news = await thaw.open("debugFunction", { parameters: debugged, signal: debugging.signal });
      await functions.invoke(debugged.function);
      const { value } = await news.next();
      return value !== undefined && exactly("debugFunction", value).event === "started";
    },
    continueDebugged: async () => {
      const call = { parameters: debugged };
      return exactly("continueDebugged", await thaw.call("continueDebugged", call)).continued === 0;
    },
    readDebugger: async () => {
      const { body } = await thaw.raw("readDebugger", { parameters: connection, signal: debugging.signal });
      said = body;
      return said !== null;
    },
    writeDebugger: async () => {
      const call = { parameters: connection, body: Buffer.from("hello\n") };
      const { sizeBytes } = exactly("writeDebugger", await thaw.call("writeDebugger", call));
      const [line] = await linesOf(said, 1);
      debugging.abort();
      return sizeBytes === 6 && line === "hello";
    },
    stopEnvironments: async () =>
      exactly("stopEnvironments", await thaw.call("stopEnvironments", { body: undefined })).stopped > 0,
  };
  await functions.eventually("environments of provisioned concurrency", async () =>
    (await thaw.call("listProvisioned", {})).provisioned.every((each) => each.available === 1),
  );
  for (const [route, call] of Object.entries(calls)) expect(await call(), route).toBe(true);
});
