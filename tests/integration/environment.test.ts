/** What a function finds around it, fresh and in a clone: variables as AWS's, limits, its user, ports of the host. */
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, it } from "vitest";
import { REPOSITORY, startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { TestFunctions } from "../support/functions.ts";

interface World {
  readonly environment: Readonly<Record<string, string>>;
  readonly limits: Readonly<Record<string, readonly [number, number]>>;
  readonly folders: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly user: string;
  readonly bash: string;
  readonly sh: string;
  readonly locale: string;
  readonly host: string;
  readonly reached: readonly string[];
  readonly collectors: readonly string[];
  readonly devices: readonly string[];
}

/** Of a function on demand and of one with SnapStart: where credentials come from. */
const CREDENTIALS = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];
const LOG = ["AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME"];
const ENDPOINT = ["AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONTAINER_CREDENTIALS_FULL_URI"];

const WORLD = readFileSync(join(REPOSITORY, "tests/functions/world.py"), "utf8");
const NODE = `exports.handler = async () => process.env;`;
const LATEST = "$LATEST";

/** Services of the host: for all functions, for the function "own" alone, for none. */
const services: Server[] = [];
const ports: number[] = [];
let server: ThawServer;
let functions: TestFunctions;

beforeAll(async () => {
  for (let count = 0; count < 3; count++) {
    const service = createServer((socket) => socket.on("error", () => undefined).end("hello"));
    service.listen(0, "127.0.0.1");
    await once(service, "listening");
    services.push(service);
    ports.push((service.address() as { port: number }).port);
  }
  const args = ["--allow-host", `127.0.0.1:${ports[0]}`, "--allow-host", `own=127.0.0.1:${ports[1]}`];
  server = await startThaw({ args });
  functions = new TestFunctions(server);
  const python = { Runtime: "python3.13" as const, MemorySize: 128, Timeout: 120 };
  for (const FunctionName of ["own", "other"])
    await functions.createSnapStart({ "index.py": WORLD }, { ...python, FunctionName });
  const Environment = {
    Variables: { AWS_ENDPOINT_URL_S3: "http://host.thaw.internal:1", PWD: "/nowhere", TZ: "Asia/Tokyo" },
  };
  await functions.createSnapStart({ "index.js": NODE }, { FunctionName: "node", Environment });
  await Promise.all(["own", "other", "node"].map((name) => functions.publish(name)));
});

afterAll(async () => {
  await server?.remove();
  for (const service of services) service.close();
});

async function look(name: string, qualifier: string, event: object = {}): Promise<World> {
  const answer = await functions.invoke(name, event, qualifier);
  if (answer.functionError !== undefined) throw new Error(JSON.stringify(answer));
  return answer.payload as World;
}

/**
 * Recorded: …TestLambdaBehavior.test_lambda_init_environment, python3.14, of which the client removes one. The two of
 * the metadata endpoint came after it.
 */
const PYTHON = {
  AWS_EXECUTION_ENV: "AWS_Lambda_python3.13",
  AWS_DEFAULT_REGION: "us-east-1",
  AWS_REGION: "us-east-1",
  AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "128",
  AWS_XRAY_CONTEXT_MISSING: "LOG_ERROR",
  LAMBDA_RUNTIME_DIR: "/var/runtime",
  LAMBDA_TASK_ROOT: "/var/task",
  LANG: "en_US.UTF-8",
  LC_CTYPE: "C.UTF-8",
  LD_LIBRARY_PATH: "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
  PATH: "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
  PWD: "/var/task",
  PYTHONPATH: "/var/runtime",
  SHLVL: "0",
  TZ: ":UTC",
  _HANDLER: "index.handler",
};
const OWN_VALUE = [
  "AWS_LAMBDA_FUNCTION_NAME",
  "AWS_LAMBDA_FUNCTION_VERSION",
  "AWS_LAMBDA_INITIALIZATION_TYPE",
  "AWS_LAMBDA_METADATA_API",
  "AWS_LAMBDA_METADATA_TOKEN",
  "AWS_LAMBDA_RUNTIME_API",
  "AWS_XRAY_DAEMON_ADDRESS",
  "_AWS_XRAY_DAEMON_ADDRESS",
  "_AWS_XRAY_DAEMON_PORT",
  "_X_AMZN_TRACE_ID",
];

it.for([
  [LATEST, [...CREDENTIALS, ...LOG]],
  ["1", ENDPOINT],
] as const)("Python has AWS's variables, and no others (%s)", async ([qualifier, more], { expect }) => {
  const { environment } = await look("own", qualifier);
  expect(environment).toMatchObject(PYTHON);
  expect(Object.keys(environment).sort()).toEqual([...Object.keys(PYTHON), ...OWN_VALUE, ...more].sort());
});

it.for([LATEST, "1"])(
  "Node.js has AWS's variables, and the function's own where AWS lets them (%s)",
  async (qualifier, { expect }) => {
    const environment = (await functions.invoke("node", {}, qualifier)).payload as World["environment"];
    const { LC_CTYPE: _, PYTHONPATH: __, ...shared } = PYTHON;
    const expected = {
      ...shared,
      AWS_EXECUTION_ENV: "AWS_Lambda_nodejs24.x",
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "256",
      AWS_ENDPOINT_URL_S3: "http://host.thaw.internal:1",
      NODE_PATH:
        "/opt/nodejs/node24/node_modules:/opt/nodejs/node_modules:/var/runtime/node_modules:/var/runtime:/var/task",
      TZ: "Asia/Tokyo",
    };
    expect(environment).toMatchObject(expected);
    const more = qualifier === LATEST ? [...CREDENTIALS, ...LOG] : ENDPOINT;
    expect(Object.keys(environment).sort()).toEqual([...Object.keys(expected), ...OWN_VALUE, ...more].sort());
  },
);

it.for([LATEST, "1"])("has AWS's limits, user and shells (%s)", async (qualifier, { expect }) => {
  const world = await look("own", qualifier);
  const unlimited = [-1, -1];
  expect(world.limits).toEqual({
    AS: unlimited,
    CORE: [10 * 2 ** 30, 10 * 2 ** 30],
    CPU: unlimited,
    DATA: unlimited,
    FSIZE: unlimited,
    MEMLOCK: [65_536, 65_536],
    NOFILE: [1024, 1024],
    NPROC: [742, 742],
    RSS: unlimited,
    STACK: [8 * 2 ** 20, 8 * 2 ** 20],
  });
  expect(world).toMatchObject({ user: "sbx_user1051", bash: "y sbx_user1051 1024 742", sh: "y" });
  expect(world.locale).toMatch(/UTF-8$/);
  expect(world).toMatchObject({
    cwd: "/var/task",
    folders: { "/var/task": "755 EROFS", "/opt": "755 EROFS", "/tmp": "1777 written" },
  });
});

it.for([LATEST, "1"])(
  "reaches the ports of the host that are named for it, and no other (%s)",
  async (qualifier, { expect }) => {
    const host = "169.254.76.2";
    const refused = "ConnectionRefusedError";
    expect(await look("own", qualifier, { ports })).toMatchObject({ host, reached: ["hello", "hello", refused] });
    expect(await look("other", qualifier, { ports })).toMatchObject({ host, reached: ["hello", refused, refused] });
  },
);

it.for([LATEST, "1"])(
  "refuses connections to collectors of OpenTelemetry that are not there, so that exporters need not wait (%s)",
  async (qualifier, { expect }) => {
    // By gRPC and by HTTP. One that gets no answer is a TimeoutError.
    const { collectors } = await look("own", qualifier, { collectors: [4317, 4318] });
    expect(collectors).toEqual(["ConnectionRefusedError", "ConnectionRefusedError"]);
  },
);

/** The group of processes that a function's runtime is in, by what the kernel says of it. */
function groupOf(name: string): string {
  for (const pid of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))) {
    try {
      if (!readFileSync(`/proc/${pid}/environ`, "utf8").split("\0").includes(`AWS_LAMBDA_FUNCTION_NAME=${name}`))
        continue;
      const groups = readFileSync(`/proc/${pid}/cgroup`, "utf8");
      const path = /^\d+:(?:[^:]*,)?cpu(?:,[^:]*)?:(.*)$/m.exec(groups)?.[1] ?? /^0::(.*)$/m.exec(groups)?.[1] ?? "";
      return existsSync("/sys/fs/cgroup/cpu") ? `/sys/fs/cgroup/cpu${path}` : `/sys/fs/cgroup${path}`;
    } catch {
      // One that has ended meanwhile.
    }
  }
  throw new Error(`nothing runs for ${name}`);
}

it("has a processor's share by its memory, 1,769 MB for a whole one", async ({ expect }) => {
  for (const MemorySize of [128, 1769]) {
    // No other server's function has this name.
    const FunctionName = `share-${process.pid}-${MemorySize}`;
    await functions.create({ "index.js": NODE }, { FunctionName, MemorySize });
    await functions.invoke(FunctionName);
    await functions.atRest(FunctionName);
    const group = groupOf(FunctionName);
    const file = existsSync(`${group}/cpu.max`) ? "cpu.max" : "cpu.cfs_quota_us";
    const [quotaUs = ""] = readFileSync(`${group}/${file}`, "utf8").trim().split(" ");
    expect(Number(quotaUs)).toBe(Math.floor((100_000 * MemorySize) / 1769));
  }
});

const USER = `import time
def handler(event, context):
    used = bytearray(event["mb"] << 20)
    for at in range(0, len(used), 4096): used[at] = 1
    time.sleep(event["ms"] / 1000)
`;

it.for([LATEST, "1"])("reports what an invoke took, and the most memory so far (%s)", async (qualifier, { expect }) => {
  const name = await functions.createSnapStart({ "index.py": USER }, { Runtime: "python3.13", MemorySize: 256 });
  if (qualifier !== LATEST) await functions.publish(name);
  const report = async (mb: number, ms: number): Promise<readonly number[]> => {
    const { log } = await functions.invoke(name, { mb, ms }, qualifier);
    await functions.atRest(name);
    const found = /\tDuration: ([\d.]+) ms\tBilled Duration: (\d+) ms\t.*\tMax Memory Used: (\d+) MB/.exec(log);
    return (found ?? []).slice(1).map(Number);
  };
  const [durationMs = 0, billedMs = 0, mostMb = 0] = await report(80, 300);
  expect(durationMs).toBeGreaterThanOrEqual(300);
  expect(billedMs).toBeGreaterThanOrEqual(Math.ceil(durationMs));
  expect(mostMb).toBeGreaterThanOrEqual(80);
  expect(mostMb).toBeLessThanOrEqual(256);
  const [, , nextMb = 0] = await report(1, 0);
  expect(nextMb).toBeGreaterThanOrEqual(mostMb);
});
