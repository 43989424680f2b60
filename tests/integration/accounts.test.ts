/** Two accounts on the real engine: clones apart, by the SDK for JavaScript, boto3 and the command line; a backup. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  DeleteFunctionCommand,
  GetFunctionConfigurationCommand,
  LambdaClient,
  ListFunctionsCommand,
} from "@aws-sdk/client-lambda";
import { onTestFinished, it } from "vitest";
import { REPOSITORY, startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { CLI } from "../support/cli.ts";
import { TestFunctions, zipOf } from "../support/functions.ts";

const ALICE = "222222222222";
const SOURCE = {
  "index.mjs": `
    const born = Math.random();
    const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_SESSION_TOKEN: sessionToken } = process.env;
    export const handler = async (_event, context) => {
      console.log("printed by " + context.invokedFunctionArn);
      return { born, who: process.env.WHO, region: process.env.AWS_REGION, keys: { accessKeyId, secretAccessKey, sessionToken } };
    };`,
};

interface Answer {
  readonly born: number;
  readonly keys: { readonly accessKeyId: string; readonly secretAccessKey: string; readonly sessionToken: string };
}

interface Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** The command line on the server's host, where it finds the keys of each account by itself. */
function thaw(server: ThawServer, ...words: readonly string[]): string {
  const { THAW_ACCESS_KEY_ID: _id, THAW_SECRET_ACCESS_KEY: _secret, ...rest } = server.env;
  const keys = words.includes("--account") ? rest : server.env;
  const env = { PATH: process.env["PATH"], HOME: process.env["HOME"], ...keys, THAW_DATA: server.dataDir };
  const done = spawnSync(process.execPath, [CLI, ...words], { encoding: "utf8", env });
  if (done.status !== 0) throw new Error(`thaw ${words.join(" ")}: ${done.stderr}`);
  return done.stdout;
}

/** A client of an account, in the form of the server's own. */
function functionsOf(server: ThawServer, { accessKeyId, secretAccessKey }: Keys): TestFunctions {
  const keys = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
  return new TestFunctions({ ...server, env: { ...server.env, ...keys } });
}

it("clones, logs and keys of two accounts are apart, also after a backup is restored", async ({ expect }) => {
  const place = mkdtempSync(join(tmpdir(), "thaw-accounts-"));
  onTestFinished(() => rmSync(place, { recursive: true, force: true }));
  const server = await startThaw({ args: ["--other-region", "eu-west-1"] });
  onTestFinished(() => server.remove());
  const keys = JSON.parse(thaw(server, "--json", "accounts", "add", ALICE, "--name", "alice")) as Keys;
  const home = new TestFunctions(server);
  const alice = functionsOf(server, keys);
  const born: number[] = [];
  for (const each of [home, alice]) {
    await each.createSnapStart(SOURCE, { FunctionName: "f" });
    await each.publish("f");
    const clones = [await each.invoke("f", {}, "1"), await each.invoke("f", {}, "1")];
    expect(clones[0]?.log).toContain("Restore Duration");
    const [first, second] = clones.map(({ payload }) => payload as Answer);
    expect(first?.born).toBe(second?.born);
    born.push(first?.born ?? 0);
  }
  // Two snapshots, and two packages: equal content is stored once for each account.
  expect(new Set(born).size).toBe(2);
  expect(readdirSync(join(server.dataDir, "code"))).toHaveLength(2);
  expect(thaw(server, "--account", ALICE, "logs", "f")).toContain(
    `printed by arn:aws:lambda:us-east-1:${ALICE}:function:f:1`,
  );
  expect(thaw(server, "logs", "f")).not.toContain(ALICE);
  expect(JSON.parse(thaw(server, "--json", "--account", ALICE, "snapshots", "ls"))).toHaveLength(1);
  expect(thaw(server, "--account", ALICE, "env")).toContain(keys.accessKeyId);

  // What a function finds in its environment is its account's.
  const { payload } = await alice.invoke("f");
  const session = new LambdaClient({
    endpoint: server.endpoint,
    region: "us-east-1",
    credentials: (payload as Answer).keys,
    maxAttempts: 1,
  });
  const { Functions } = await session.send(new ListFunctionsCommand({}));
  expect(Functions?.map(({ FunctionArn }) => FunctionArn)).toEqual([`arn:aws:lambda:us-east-1:${ALICE}:function:f`]);
  await home.lambda.send(new DeleteFunctionCommand({ FunctionName: "f" }));

  const copy = join(place, "copy");
  const dataDir = join(place, "data");
  execFileSync("chmod", ["755", place]);
  execFileSync(process.execPath, [CLI, "backup", copy, "--data", server.dataDir]);
  await server.stop();
  execFileSync(process.execPath, [CLI, "restore", copy, "--data", dataDir]);
  const other = await startThaw({ args: ["--other-region", "eu-west-1"], previous: { ...server, dataDir } });
  onTestFinished(() => other.remove());
  const again = functionsOf(other, keys);
  const answer = await again.invoke("f", {}, "1");
  expect(answer.log).toContain("Restore Duration");
  expect((answer.payload as Answer).born).toBe(born[1]);
  await expect(
    new TestFunctions(other).lambda.send(new GetFunctionConfigurationCommand({ FunctionName: "f" })),
  ).rejects.toThrow(/not found/);
  expect(other.output()).not.toContain("problem");
});

it("boto3 has functions of one name in two accounts", async ({ expect }) => {
  const place = mkdtempSync(join(tmpdir(), "thaw-accounts-"));
  onTestFinished(() => rmSync(place, { recursive: true, force: true }));
  const server = await startThaw({ args: ["--other-region", "eu-west-1"] });
  onTestFinished(() => server.remove());
  const keys = JSON.parse(thaw(server, "--json", "accounts", "add", ALICE)) as Keys;
  writeFileSync(join(place, "function.zip"), await zipOf(SOURCE));
  const script = join(REPOSITORY, "tests/integration/boto3_accounts.py");
  const done = spawnSync(join(REPOSITORY, ".thaw/aws-clients/bin/python"), [script, join(place, "function.zip")], {
    encoding: "utf8",
    env: {
      ...process.env,
      THAW_ENDPOINT: server.endpoint,
      HOME_ACCESS_KEY_ID: server.env["AWS_ACCESS_KEY_ID"],
      HOME_SECRET_ACCESS_KEY: server.env["AWS_SECRET_ACCESS_KEY"],
      ALICE_ACCESS_KEY_ID: keys.accessKeyId,
      ALICE_SECRET_ACCESS_KEY: keys.secretAccessKey,
    },
  });
  expect([done.stdout, done.stderr]).toEqual(["done\n", ""]);
});
