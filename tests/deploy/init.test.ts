// matrix: the samples of thaw init by the SAM CLI, whose every command takes seconds to start
import { cpSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { REPOSITORY, startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { runThaw } from "../support/cli.ts";
import { expectDone } from "./suite.ts";
import { Tools } from "./tools.ts";

const OPTIONS = ["--resolve-s3", "--capabilities", "CAPABILITY_IAM", "--no-confirm-changeset"];
let server: ThawServer;
let tools: Tools;

beforeAll(async () => {
  server = await startThaw();
  tools = await Tools.start(server);
});
afterAll(async () => {
  await tools?.close();
  await server?.remove();
});

/** As the build that the README names would leave it. */
const BUILDS: Readonly<Record<string, (folder: string) => void>> = {
  java: (folder) => {
    mkdirSync(join(folder, "target"));
    cpSync(join(REPOSITORY, ".thaw/init-java/target/hello.jar"), join(folder, "target/hello.jar"));
  },
};

/** sam build finds esbuild in the PATH: where there is a package.json, it would fetch what that names. */
async function builtBySam(folder: string): Promise<string> {
  rmSync(join(folder, "package.json"));
  const to = join(folder, ".aws-sam/build");
  expectDone(await tools.run("sam", "build", "--template-file", join(folder, "template.yaml"), "--build-dir", to));
  return join(to, "template.yaml");
}

test.for(["nodejs", "python", "typescript", "java"])("sam deploys the %s sample unchanged", async (runtime) => {
  const folder = join(tools.directory, runtime);
  expect(await runThaw(["init", folder, "--runtime", runtime])).toMatchObject({ code: 0 });
  BUILDS[runtime]?.(folder);
  const template = runtime === "typescript" ? await builtBySam(folder) : join(folder, "template.yaml");
  const stack = ["--template-file", template, "--stack-name", `hello-${runtime}`];
  const deployed = await tools.run("sam", "deploy", ...stack, ...OPTIONS);
  expectDone(deployed);
  const invoked = await runThaw(["invoke", `hello-${runtime}:live`, "--quiet"], server.env);
  const { body } = JSON.parse(invoked.stdout) as { readonly body: string };
  expect(JSON.parse(body)).toMatchObject({ message: "Hello, world!", calls: 1, restoredAt: expect.any(String) });
});
