// matrix: writes and unpacks a whole operating system for each language
/** Base images made of the runtimes here, and images upon them: fresh and in clones. */
import {
  CreateFunctionCommand,
  type CreateFunctionCommandInput,
  waitUntilFunctionActiveV2,
} from "@aws-sdk/client-lambda";
import { thawHomeOf } from "@thaw/installation";
import { ImageFolder, type Layer } from "@thaw/server/testing/image-files";
import { randomUUID } from "node:crypto";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { REPOSITORY, startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { runThaw } from "../support/cli.ts";
import { ROLE, TestFunctions } from "../support/functions.ts";
import { buildDockerfile, noBuilder } from "../support/image-builder.ts";
import { bashRuntime } from "../support/images.ts";
import { javaPackage } from "../support/test-functions.ts";

/** For what hangs: tens of thousands of files are unpacked. */
const WAIT = { maxWaitTime: 900, minDelay: 1, maxDelay: 1 };
const isInstalled = (name: string): boolean => existsSync(join(thawHomeOf(process.env), "runtimes", name, ".complete"));

const images = new ImageFolder();
/** A folder of images; buildah makes a name of its path, in lower case. */
const built = join(tmpdir(), `thaw-built-${randomUUID()}`);
let server: ThawServer;
let functions: TestFunctions;
let count = 0;

beforeAll(async () => {
  server = await startThaw({ args: ["--image-dir", images.path] });
  functions = new TestFunctions(server);
});
afterAll(async () => {
  await server.remove();
  images.remove();
  rmSync(built, { recursive: true, force: true });
});

async function makeBase(runtime: string, folder = join(images.path, "bases")): Promise<string> {
  const made = await runThaw(["--json", "images", "base", runtime, folder]);
  expect([made.code, made.stderr]).toEqual([0, ""]);
  return (JSON.parse(made.stdout) as { image: string }).image;
}

async function create(ImageUri: string, options: Partial<CreateFunctionCommandInput> = {}): Promise<string> {
  const FunctionName = `based-${++count}`;
  const input = {
    FunctionName,
    Role: ROLE,
    PackageType: "Image" as const,
    // A whole processor: with a part of one an Init that loads an SDK comes near its limit of 10 s on a busy machine.
    MemorySize: 1769,
    Timeout: 60,
    SnapStart: { ApplyOn: "PublishedVersions" as const },
    ...options,
  };
  await functions.lambda.send(new CreateFunctionCommand({ ...input, Code: { ImageUri } }));
  await waitUntilFunctionActiveV2({ client: functions.lambda, ...WAIT }, { FunctionName });
  return FunctionName;
}

/** What a Dockerfile with COPY and CMD makes; returns its URI. */
async function putOver(runtime: string, layer: Layer, handler: string | null): Promise<string> {
  await makeBase(runtime);
  const tag = `over-${runtime}`;
  images.extend("bases", runtime, tag, layer, handler === null ? {} : { Cmd: [handler] });
  return `oci:bases:${tag}`;
}

/** Answers of a fresh environment and of two clones. */
async function inLives(name: string, event: unknown = {}): Promise<readonly unknown[]> {
  const answers = [(await functions.invoke(name, event)).payload];
  const version = await functions.publish(name);
  for (let clone = 0; clone < 2; clone++) {
    const answer = await functions.invoke(name, event, version);
    expect(answer.log).toContain("Restore Duration");
    answers.push(answer.payload);
    await functions.stopEnvironments(name);
  }
  return answers;
}

const different = (answers: readonly unknown[], member: string): number =>
  new Set(answers.map((answer) => (answer as Record<string, unknown>)[member])).size;

const NODE_HANDLER = `import { randomUUID } from "node:crypto";
import { LambdaClient } from "@aws-sdk/client-lambda";
import { readFileSync } from "node:fs";
export const handler = async () => ({
  id: randomUUID(), random: Math.random(), node: process.version, built: readFileSync("/built", "utf8").trim(),
  sdk: typeof LambdaClient, cwd: process.cwd(), said: readFileSync("/said", "utf8").trim(),
  env: ["AWS_EXECUTION_ENV", "_HANDLER", "LAMBDA_TASK_ROOT", "NODE_OPTIONS", "LANG"].map((name) => process.env[name]),
});`;

test.skipIf(noBuilder !== null)(
  `Node.js, by buildah with a Dockerfile that runs programs ${noBuilder ?? ""}`,
  async () => {
    const Dockerfile = `FROM ${await makeBase("nodejs22.x", built)}
COPY src/ \${LAMBDA_TASK_ROOT}/
RUN node --version >/built && sh -c '[[ -d /var/runtime ]]'
RUN /lambda-entrypoint.sh app.handler 2>/said; echo $? >>/said
CMD ["app.handler"]
`;
    await buildDockerfile({ "src/app.mjs": NODE_HANDLER, Dockerfile }, `oci:${join(images.path, "node")}:latest`);
    const answers = await inLives(await create("oci:node:latest"));
    const script = readFileSync(join(REPOSITORY, "tools/install-runtime.sh"), "utf8");
    const version = `v${/install_nodejs (22\.[\d.]+)/.exec(script)?.[1]}`;
    for (const answer of answers)
      expect(answer).toMatchObject({
        node: version,
        built: version,
        sdk: "function",
        cwd: "/var/task",
        said: expect.stringMatching(/^AWS_LAMBDA_RUNTIME_API is not set: .*\n1$/),
        env: ["AWS_Lambda_nodejs22.x", "app.handler", "/var/task", null, "en_US.UTF-8"],
      });
    expect([different(answers, "id"), different(answers, "random")]).toEqual([3, 3]);
  },
);

/** Lambda's guide: "Using an alternative base image with the runtime interface client". */
const ENTRY_SCRIPT = `#!/bin/sh
if [ -z "\${AWS_LAMBDA_RUNTIME_API}" ]; then
  exec /usr/local/bin/aws-lambda-rie /usr/bin/python3.13 -m awslambdaric $@
else
  exec /usr/bin/python3.13 -m awslambdaric $@
fi
`;

test("Python with a wrapper script, and with AWS's own entry point for other bases", async () => {
  const handler = `import os, random, sys, boto3
def handler(event, context):
    return {"id": random.random(), "python": sys.version_info[:2], "sdk": boto3.__name__,
            "wrapped": os.environ.get("WRAPPED"), "env": os.environ.get("AWS_EXECUTION_ENV"), "cwd": os.getcwd()}
`;
  const wrapper = '#!/bin/sh\nexport WRAPPED=yes\nexec "$@"\n';
  const layer = { "var/task/app.py": handler, "function/app.py": handler, wrapper, "entry_script.sh": ENTRY_SCRIPT };
  const uri = await putOver("python3.13", layer, "app.handler");
  const wrapped = await create(uri, { Environment: { Variables: { AWS_LAMBDA_EXEC_WRAPPER: "/wrapper" } } });
  const answers = await inLives(wrapped);
  for (const answer of answers)
    expect(answer).toMatchObject({
      python: [3, 13],
      sdk: "boto3",
      wrapped: "yes",
      env: "AWS_Lambda_python3.13",
      cwd: "/var/task",
    });
  expect(different(answers, "id")).toBe(3);
  const own = await create(uri, {
    ImageConfig: { EntryPoint: ["/entry_script.sh"], WorkingDirectory: "/function" },
    Environment: { Variables: { PYTHONPATH: "/var/runtime" } },
  });
  for (const answer of await inLives(own))
    expect(answer).toMatchObject({ sdk: "boto3", wrapped: null, env: null, cwd: "/function" });
});

test.skipIf(!isInstalled("java21"))("Java 21, where it is installed", async () => {
  const classes = Object.entries(javaPackage("plain/Plain.java", /^$/));
  const layer = Object.fromEntries(classes.map(([path, content]) => [`var/task/${path}`, content]));
  const name = await create(await putOver("java21", layer, "Plain::handleRequest"));
  for (const answer of await inLives(name, { a: 1 }))
    expect(answer).toEqual({ a: 1, requestId: expect.stringMatching(/^[0-9a-f-]{36}$/) as unknown });
});

test("a custom runtime in /var/runtime, as on AWS; and an image without a command says so in the log", async () => {
  const uri = await putOver("provided.al2023", { "var/runtime/bootstrap": bashRuntime(true) }, null);
  const name = await create(uri, { ImageConfig: { Command: ["function.handler"] } });
  for (const answer of await inLives(name, "echo $_HANDLER $PWD; command -v curl apt-get"))
    expect(answer).toBe("function.handler /var/task\n/usr/bin/curl\n/usr/bin/apt-get");
  const bare = await create(uri);
  expect((await functions.invoke(bare)).payload).toMatchObject({
    errorType: "Runtime.ExitError",
    errorMessage: expect.stringMatching(/exit status 142$/),
  });
  const messages = (await functions.logs(bare)).map(({ message }) => message);
  expect(messages).toContain("entrypoint requires the handler name to be the first argument");
});
