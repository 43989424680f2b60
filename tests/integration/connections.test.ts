/**
 * Connections that Init has made, with the libraries people use, against a real server outside: cut before a clone
 * runs, so that each library sees a clean error and makes a new one. Lines of docs/reference/uniqueness.md.
 */
import { join } from "node:path";
import type { CreateFunctionCommandInput } from "@aws-sdk/client-lambda";
import { afterAll, beforeAll, it } from "vitest";
import { REPOSITORY, startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { type Files, TestFunctions } from "../support/functions.ts";
import { Outside } from "../support/outside.ts";
import { jar, javaPackage, nodePackages, pythonPackages, source } from "../support/test-functions.ts";

const outside = new Outside();
let server: ThawServer;
let functions: TestFunctions;

beforeAll(async () => {
  outside.open();
  await outside.run(process.execPath, [
    "--disable-warning=ExperimentalWarning",
    join(REPOSITORY, "tests/support/outside-server.ts"),
    "8080",
  ]);
  await outside.run("java", [
    "-cp",
    jar(/^h2-/),
    "org.h2.tools.Server",
    "-tcp",
    "-tcpPort",
    "9092",
    "-tcpAllowOthers",
    "-ifNotExists",
  ]);
  server = await startThaw();
  functions = new TestFunctions(server);
});

afterAll(async () => {
  await server?.remove();
  await outside.close();
});

interface Answer<T> {
  readonly init: T;
  readonly first: T;
  readonly second: T;
}

/** Two clones, one after the other. */
async function askTwice<T>(
  files: Files,
  options: Partial<CreateFunctionCommandInput>,
): Promise<ReadonlyArray<Answer<T>>> {
  const variables = { OUTSIDE: outside.address };
  const name = await functions.createSnapStart(files, {
    Timeout: 120,
    ...options,
    Environment: { Variables: variables },
  });
  const version = await functions.publish(name);
  const answers: Array<Answer<T>> = [];
  for (let i = 0; i < 2; i++) {
    const answer = await functions.invoke(name, {}, version);
    if (answer.functionError !== undefined) throw new Error(answer.log);
    answers.push(answer.payload as Answer<T>);
    await functions.stopEnvironments(name);
  }
  return answers;
}

type Used = Readonly<Record<string, { readonly ok?: unknown; readonly error?: string }>>;

/** Connections to the server are numbered: a clone has one of its own. */
function expectNewConnection(answers: ReadonlyArray<Answer<Used>>, name: string): void {
  const numbers = answers.flatMap((answer) => [answer.init[name]?.ok, answer.first[name]?.ok]);
  const [init, first, , second] = numbers;
  if (typeof first !== "string" || first === init || first === second)
    throw new Error(`${name}: ${JSON.stringify(numbers)}`);
}

it("Python: boto3 and urllib3 recover, a socket of one's own gets an error, the inside stays", async ({ expect }) => {
  const packages = pythonPackages(/^(boto3|botocore|s3transfer|jmespath|dateutil|six\.py|urllib3)$/);
  const answers = await askTwice<Used>(
    { "index.py": source("connections.py"), ...packages },
    { Runtime: "python3.13" },
  );
  for (const { init, first, second } of answers) {
    expect(init).toMatchObject({ boto3: { ok: 1 }, loopback: { ok: "inside" }, listening: { ok: "new" } });
    expect(init["raw"]?.ok).toBeDefined();
    for (const used of [first, second]) {
      expect(used).toMatchObject({ boto3: { ok: 1 }, loopback: { ok: "inside" }, listening: { ok: "new" } });
      expect(used["raw"]?.error).toMatch(/^(BrokenPipeError|ConnectionResetError|ConnectionAbortedError)/);
    }
  }
  expectNewConnection(answers, "urllib3");
});

it("Node.js: AWS SDK v3, a keep-alive agent and fetch recover", async ({ expect }) => {
  const answers = await askTwice<Used>(
    { "index.mjs": source("connections.mjs"), ...nodePackages("@aws-sdk/client-lambda") },
    { Runtime: "nodejs24.x" },
  );
  for (const answer of answers) for (const used of Object.values(answer)) expect(used["AWS SDK v3"]).toEqual({ ok: 0 });
  for (const name of ["keep-alive agent", "fetch"]) expectNewConnection(answers, name);
});

it("Java: AWS SDK v2, a JDBC pool and the JDK's HTTP client recover", async ({ expect }) => {
  const answers = await askTwice<Record<string, string>>(
    javaPackage("unique/Connections.java", /^(?!kotlin|annotations)/),
    {
      Runtime: "java17",
      Handler: "Connections::handleRequest",
      MemorySize: 512,
    },
  );
  for (const { init, first, second } of answers) {
    for (const used of [init, first, second]) {
      expect(used).toMatchObject({ "AWS SDK v2": "1", HikariCP: "42" });
      expect(used["HikariCP, evicted before the snapshot"]).toBe("42");
      expect(used["HikariCP, used just before the snapshot"]).toBe("42");
    }
    expect(first["java.net.http"]).not.toBe(init["java.net.http"]);
  }
});

it("Java: the JVM's cache of names is empty in a clone", async ({ expect }) => {
  const name = await functions.createSnapStart(javaPackage("unique/Dns.java", /^kotlin-stdlib-/), {
    Runtime: "java17",
    Handler: "Dns::handleRequest",
    MemorySize: 512,
    Environment: { Variables: { JAVA_TOOL_OPTIONS: "--add-opens=java.base/java.net=ALL-UNNAMED" } },
  });
  const version = await functions.publish(name);
  expect((await functions.invoke(name, {}, version)).payload).toEqual({ atInit: 1, inClone: 0 });
});
