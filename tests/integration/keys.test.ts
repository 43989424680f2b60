/**
 * KMSKeyArn from publish to invoke: the local keyring and AWS's KMS API, and AWS's errors when a key does not answer.
 */
import { CreateKeyCommand, KMSClient } from "@aws-sdk/client-kms";
import {
  GetFunctionConfigurationCommand,
  PublishVersionCommand,
  UpdateFunctionConfigurationCommand,
  waitUntilFunctionUpdatedV2,
} from "@aws-sdk/client-lambda";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, it } from "vitest";
import { startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { CLI } from "../support/cli.ts";
import { TestFunctions, WAIT } from "../support/functions.ts";
import { MotoServer } from "../support/moto-server.ts";

const ARN = "arn:aws:kms:us-east-1:000000000000:key/11111111-2222-3333-4444-555555555555";
const QUICK = { "index.mjs": "export const handler = async () => 'quick';\n" };
const run = promisify(execFile);

/** Data keys are not cached, so that a change of a key is seen at once. */
const UNCACHED = { THAW_DATA_KEY_CACHE_S: "0" };

async function publishFails(functions: TestFunctions, name: string): Promise<string | undefined> {
  const { Version } = await functions.lambda.send(new PublishVersionCommand({ FunctionName: name }));
  const failed = await functions.eventually("Failed", async () => {
    const now = await functions.lambda.send(
      new GetFunctionConfigurationCommand({ FunctionName: name, Qualifier: Version }),
    );
    return now.State === "Failed" && now;
  });
  return failed.StateReasonCode;
}

async function setKey(functions: TestFunctions, name: string, KMSKeyArn: string): Promise<void> {
  await functions.lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName: name, KMSKeyArn }));
  await waitUntilFunctionUpdatedV2({ client: functions.lambda, ...WAIT }, { FunctionName: name });
}

describe("the local keyring", () => {
  let server: ThawServer;
  let functions: TestFunctions;
  beforeAll(async () => {
    server = await startThaw({ env: UNCACHED });
    functions = new TestFunctions(server);
  });
  afterAll(() => server?.remove());

  const thaw = async (...args: string[]): Promise<string> => {
    return (await run(process.execPath, [CLI, "keys", ...args], { env: { ...process.env, ...server.env } })).stdout;
  };

  it("a key that is not there, disabled, enabled, deleted", async ({ expect }) => {
    const name = await functions.createSnapStart(QUICK, { KMSKeyArn: ARN });
    expect(await publishFails(functions, name)).toBe("KMSKeyNotFound");
    await thaw("create", ARN);
    expect(JSON.parse(await thaw("ls", "--json"))).toEqual([
      { arn: null, state: "Enabled" },
      { arn: ARN, state: "Enabled" },
    ]);
    const version = await functions.publish(name);
    expect((await functions.invoke(name, {}, version)).payload).toBe("quick");
    await functions.stopEnvironments(name);
    await thaw("disable", ARN);
    await expect(functions.invoke(name, {}, version)).rejects.toMatchObject({
      name: "KMSDisabledException",
      $metadata: { httpStatusCode: 502 },
    });
    await thaw("enable", ARN);
    const restored = await functions.invoke(name, {}, version);
    expect(restored.log).toContain("Restore Duration");
    await functions.stopEnvironments(name);
    await thaw("delete", ARN);
    await expect(functions.invoke(name, {}, version)).rejects.toMatchObject({
      name: "KMSNotFoundException",
      $metadata: { httpStatusCode: 502 },
    });
    await expect(thaw("create", "no-arn")).rejects.toMatchObject({
      stderr: expect.stringContaining("is not the ARN of a key"),
    });
    for (const body of ["", "null", '{"arn":3}'])
      expect((await functions.admin("POST", "keys/create", Buffer.from(body))).status).toBe(400);
    await expect(thaw("delete", ARN)).rejects.toMatchObject({ stderr: expect.stringContaining("Key not found") });
  });

  it("a disabled key fails a publish; another key applies to later versions only", async ({ expect }) => {
    const [first, second] = [`${ARN}1`, `${ARN}2`];
    await thaw("create", first);
    await thaw("create", second);
    const name = await functions.createSnapStart(QUICK, { KMSKeyArn: first });
    const one = await functions.publish(name);
    await setKey(functions, name, second);
    const two = await functions.publish(name);
    expect(two).not.toBe(one);
    await thaw("disable", second);
    await expect(functions.invoke(name, {}, two)).rejects.toMatchObject({ name: "KMSDisabledException" });
    expect((await functions.invoke(name, {}, one)).payload).toBe("quick");
    await functions.update(name, { "index.mjs": "export const handler = async () => 'third';\n" });
    expect(await publishFails(functions, name)).toBe("DisabledKMSKey");
    await setKey(functions, name, "");
    const plain = await functions.publish(name);
    expect((await functions.invoke(name, {}, plain)).payload).toBe("third");
    const shown = await functions.lambda.send(
      new GetFunctionConfigurationCommand({ FunctionName: name, Qualifier: plain }),
    );
    expect(shown.KMSKeyArn).toBeUndefined();
  });
});

describe("AWS's KMS API", () => {
  it("a snapshot under a key of the service (moto)", async ({ expect }) => {
    const kms = await MotoServer.start();
    const credentials = { accessKeyId: "test", secretAccessKey: "test" };
    const client = new KMSClient({ endpoint: kms.endpoint, region: "us-east-1", credentials });
    const server = await startThaw({
      args: ["--kms", kms.endpoint],
      env: { ...UNCACHED, AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" },
    });
    try {
      const { KeyMetadata } = await client.send(new CreateKeyCommand({}));
      const functions = new TestFunctions(server);
      const name = await functions.createSnapStart(QUICK, { KMSKeyArn: KeyMetadata?.Arn ?? "" });
      const version = await functions.publish(name);
      const answer = await functions.invoke(name, {}, version);
      expect(answer.log).toContain("Restore Duration");
      // A disabled key is tested below: moto's still decrypts.
      const other = await functions.createSnapStart(QUICK, {
        KMSKeyArn: "arn:aws:kms:us-east-1:123456789012:key/00000000-0000-0000-0000-000000000000",
      });
      expect(await publishFails(functions, other)).toBe("KMSKeyNotFound");
    } finally {
      client.destroy();
      await server.remove();
      await kms.stop();
    }
  });

  describe("whose key does not answer", () => {
    let service: Server;
    let server: ThawServer;
    let functions: TestFunctions;
    let error: string | null = null;
    beforeAll(async () => {
      service = createServer((request, response) => {
        request.resume().on("end", () => {
          const key = Buffer.alloc(32, 5).toString("base64");
          const body =
            error === null ? { KeyId: ARN, Plaintext: key, CiphertextBlob: key } : { __type: error, message: "test" };
          response
            .writeHead(error === null ? 200 : 400, { "content-type": "application/x-amz-json-1.1" })
            .end(JSON.stringify(body));
        });
      }).listen(0, "127.0.0.1");
      await once(service, "listening");
      const endpoint = `http://127.0.0.1:${(service.address() as AddressInfo).port}`;
      server = await startThaw({
        args: ["--kms", endpoint],
        env: { ...UNCACHED, AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" },
      });
      functions = new TestFunctions(server);
    });
    afterAll(async () => {
      await server?.remove();
      service.closeAllConnections();
      service.close();
    });

    it.for([
      ["DisabledException", "KMSDisabledException", "DisabledKMSKey"],
      ["KMSInvalidStateException", "KMSInvalidStateException", "InvalidStateKMSKey"],
      ["NotFoundException", "KMSNotFoundException", "KMSKeyNotFound"],
      ["AccessDeniedException", "KMSAccessDeniedException", "KMSKeyAccessDenied"],
    ] as const)("%s is %s for an invoke and %s for a publish", async ([said, name, reasonCode], { expect }) => {
      error = null;
      const good = await functions.createSnapStart(QUICK, { KMSKeyArn: ARN });
      const version = await functions.publish(good);
      error = said;
      await expect(functions.invoke(good, {}, version)).rejects.toMatchObject({
        name,
        $metadata: { httpStatusCode: 502 },
      });
      const other = await functions.createSnapStart(QUICK, { KMSKeyArn: ARN });
      expect(await publishFails(functions, other)).toBe(reasonCode);
      error = null;
      expect((await functions.invoke(good, {}, version)).log).toContain("Restore Duration");
    });
  });
});
