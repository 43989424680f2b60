/** AWS's services beside Lambda as boto3 and the AWS CLI use them, on a real server. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it, onTestFinished } from "vitest";
import { REPOSITORY } from "../../tools/thaw-server.ts";
import type { TestFunctions } from "../support/functions.ts";
import { withThaw } from "../support/with-thaw.ts";

let functions: TestFunctions;
withThaw((made) => {
  functions = made;
});

const CLIENTS = join(REPOSITORY, ".thaw/aws-clients/bin");

async function run(program: string, args: readonly string[], more: Readonly<Record<string, string>> = {}) {
  const { endpoint, env } = functions.server;
  const all = { ...process.env, ...env, AWS_ENDPOINT_URL: endpoint, ...more };
  return (await promisify(execFile)(join(CLIENTS, program), args, { env: all })).stdout;
}

it.for([
  ["assumes roles", "boto3_sts.py"],
  ["makes roles and policies", "boto3_iam.py"],
  ["keeps parameters", "boto3_ssm.py"],
  ["makes repositories", "boto3_ecr.py"],
])("boto3 %s", async ([, script = ""]) => {
  expect(await run("python", [join(REPOSITORY, "tests/integration", script)])).toBe("done\n");
});

it("the AWS CLI assumes the role of a profile by itself", async () => {
  const directory = mkdtempSync(join(tmpdir(), "thaw-profile-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const config = join(directory, "config");
  const role = "role_arn = arn:aws:iam::000000000000:role/deployer\nrole_session_name = by-profile\n";
  writeFileSync(config, `[profile deployer]\n${role}credential_source = Environment\nregion = us-east-1\n`);
  const args = ["sts", "get-caller-identity", "--profile", "deployer", "--query", "Arn", "--output", "text"];
  const printed = await run("aws", args, { AWS_CONFIG_FILE: config, HOME: directory });
  expect(printed).toBe("arn:aws:sts::000000000000:assumed-role/deployer/by-profile\n");
});
