/** A server with a port and a data directory of its own is found, and the person's own keys for AWS stay out of it. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "vitest";
import { localServers } from "@thaw/cli/find-server";
import { startThaw } from "../../tools/thaw-server.ts";
import { runThaw } from "../support/cli.ts";
import { TestFunctions } from "../support/functions.ts";

it("prints and uses the server's keys where keys and a profile for AWS are set", async ({ expect }) => {
  const home = mkdtempSync(join(tmpdir(), "thaw-home-"));
  mkdirSync(join(home, ".aws"));
  writeFileSync(
    join(home, ".aws/credentials"),
    "[default]\naws_access_key_id = AKIAPERSONPROFILE\naws_secret_access_key = profilesecret\n",
  );
  const server = await startThaw({ env: { THAW_ACCESS_KEY_ID: undefined, THAW_SECRET_ACCESS_KEY: undefined } });
  try {
    const env = {
      HOME: home,
      AWS_ACCESS_KEY_ID: "AKIAPERSON",
      AWS_SECRET_ACCESS_KEY: "personsecret",
      AWS_SESSION_TOKEN: "persontoken",
      AWS_PROFILE: "default",
      AWS_ENDPOINT_URL_S3: "https://elsewhere.example",
      AWS_ENDPOINT_URL_SQS: "https://elsewhere.example",
      THAW_DATA: server.dataDir,
    };
    const printed = (await runThaw(["env"], env)).stdout;
    expect(printed).not.toMatch(/PERSON|person|profile/);
    const secret = /^aws_secret_access_key = (.*)$/m.exec(
      readFileSync(join(server.dataDir, "credentials"), "utf8"),
    )?.[1];
    expect(printed).toContain(`export AWS_SECRET_ACCESS_KEY='${secret}'\n`);
    expect(printed).toContain(`export AWS_ENDPOINT_URL_LAMBDA='${server.endpoint}'\n`);
    // One endpoint for all services: none of them gets the server's keys elsewhere.
    expect(printed).toContain(`export AWS_ENDPOINT_URL='${server.endpoint}'\n`);
    expect(printed).toContain(`export AWS_ENDPOINT_URL_CLOUDFORMATION='${server.endpoint}'\n`);
    expect(printed).toContain(`export AWS_ENDPOINT_URL_S3='${server.endpoint}'\n`);
    expect(printed).toMatch(/^unset .*AWS_ENDPOINT_URL_SQS/);
    expect(printed).toMatch(/^unset AWS_SESSION_TOKEN AWS_PROFILE /);
    expect(await runThaw(["environments", "ls"], env)).toMatchObject({ code: 0, stderr: "" });
    expect(localServers({})).toContainEqual(
      expect.objectContaining({ dataDir: server.dataDir, endpoint: server.endpoint }),
    );
  } finally {
    await server.remove();
    rmSync(home, { recursive: true });
  }
});

it("does not call itself where AWS's variables of its shell are those of thaw env", async ({ expect }) => {
  const asked: string[] = [];
  const itself = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    response.writeHead(400).end();
  }).listen(0, "127.0.0.1");
  await once(itself, "listening");
  const endpoint = `http://127.0.0.1:${(itself.address() as AddressInfo).port}`;
  const home = mkdtempSync(join(tmpdir(), "thaw-home-"));
  const KEY = { accessKeyId: "AKIAOFTHAW", secretAccessKey: "secretofthaw" };
  const server = await startThaw({
    previous: {
      dataDir: join(home, "data"),
      env: { AWS_ACCESS_KEY_ID: KEY.accessKeyId, AWS_SECRET_ACCESS_KEY: KEY.secretAccessKey },
    },
    env: {
      HOME: home,
      AWS_EC2_METADATA_DISABLED: "true",
      THAW_ENDPOINT: endpoint,
      AWS_ENDPOINT_URL: endpoint,
      AWS_ENDPOINT_URL_LAMBDA: endpoint,
      AWS_ACCESS_KEY_ID: KEY.accessKeyId,
      AWS_SECRET_ACCESS_KEY: KEY.secretAccessKey,
    },
  });
  try {
    const functions = new TestFunctions(server);
    const TargetArn = "arn:aws:sqs:us-east-1:000000000000:letters";
    const made = functions.create({ "index.mjs": "" }, { DeadLetterConfig: { TargetArn } });
    await expect(made).rejects.toThrow(/can't be reached from this host: .*credentials.*--aws-endpoint sqs=URL/);
    expect(asked).toEqual([]);
    expect(server.output()).toMatch(/^thaw: AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_LAMBDA, AWS_ACCESS_KEY_ID, AWS_SECRET/m);
  } finally {
    await server.remove();
    itself.close();
    rmSync(home, { recursive: true });
  }
});
