/** The local keyring and the routes to a key service: which key seals what, and what happens when it is gone. */
import { once } from "node:events";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "vitest";
import { systemRandom } from "../base/random.ts";
import { AwsKms } from "./aws-kms.ts";
import { Keyring } from "./keyring.ts";
import { RoutedKeys } from "./routed-keys.ts";

const ARN = "arn:aws:kms:us-east-1:000000000000:key/one";
let dir: string;
let keyring: Keyring;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "thaw-keys-"));
  keyring = new Keyring(join(dir, "keyring.json"), systemRandom);
});
afterEach(() => rmSync(dir, { recursive: true }));

describe("Keyring", () => {
  it("opens what it wrapped, for the same snapshot and key only", async ({ expect }) => {
    keyring.create(ARN);
    for (const arn of [null, ARN]) {
      const { plaintext, wrapped } = await keyring.generate(arn, "snap-1");
      expect(await keyring.unwrap(arn, "snap-1", wrapped)).toEqual(plaintext);
      await expect(keyring.unwrap(arn, "snap-2", wrapped)).rejects.toMatchObject({ code: "KMS_INVALID_STATE" });
      await expect(keyring.unwrap(arn === null ? ARN : null, "snap-1", wrapped)).rejects.toMatchObject({
        code: "KMS_INVALID_STATE",
      });
    }
    expect(statSync(join(dir, "keyring.json")).mode & 0o777).toBe(0o600);
  });

  it("follows the states of a key", async ({ expect }) => {
    keyring.create(ARN);
    const { plaintext, wrapped } = await keyring.generate(ARN, "snap-1");
    keyring.setState(ARN, "Disabled");
    await expect(keyring.unwrap(ARN, "snap-1", wrapped)).rejects.toMatchObject({ code: "KMS_DISABLED" });
    await expect(keyring.generate(ARN, "snap-1")).rejects.toMatchObject({ code: "KMS_DISABLED" });
    keyring.setState(ARN, "Enabled");
    expect(await keyring.unwrap(ARN, "snap-1", wrapped)).toEqual(plaintext);
    keyring.remove(ARN);
    await expect(keyring.unwrap(ARN, "snap-1", wrapped)).rejects.toMatchObject({ code: "KMS_NOT_FOUND" });
    expect(keyring.list()).toEqual([{ arn: null, state: "Enabled" }]);
  });

  it("refuses what is no key, what is there, and what is not", ({ expect }) => {
    expect(() => keyring.create("one")).toThrow("is not the ARN of a key");
    keyring.create(ARN);
    expect(() => keyring.create(ARN)).toThrow("already exists");
    expect(() => keyring.remove(`${ARN}2`)).toThrow("Key not found");
    expect(() => keyring.setState(`${ARN}2`, "Enabled")).toThrow("Key not found");
  });
});

describe("AwsKms, at its port", () => {
  let service: Server;
  /** Status and error name; null: a data key. */
  let answer: readonly [number, string] | null = null;
  let keys: RoutedKeys;

  beforeEach(async () => {
    service = createServer((request, response) => {
      request.resume().on("end", () => {
        const key = Buffer.alloc(32, 5).toString("base64");
        const body =
          answer === null
            ? { KeyId: ARN, Plaintext: key, CiphertextBlob: key }
            : { __type: answer[1], message: "test" };
        response
          .writeHead(answer?.[0] ?? 200, { "content-type": "application/x-amz-json-1.1" })
          .end(JSON.stringify(body));
      });
    }).listen(0, "127.0.0.1");
    await once(service, "listening");
    const endpoint = `http://127.0.0.1:${(service.address() as AddressInfo).port}`;
    process.env["AWS_ACCESS_KEY_ID"] ??= "test";
    process.env["AWS_SECRET_ACCESS_KEY"] ??= "test";
    keys = new RoutedKeys(keyring, new AwsKms({ endpoint, region: "us-east-1" }));
    answer = null;
  });
  afterEach(() => {
    service.closeAllConnections();
    service.close();
  });

  it.for([
    [400, "DisabledException", "KMS_DISABLED"],
    [400, "NotFoundException", "KMS_NOT_FOUND"],
    [400, "KMSInvalidStateException", "KMS_INVALID_STATE"],
    [400, "InvalidCiphertextException", "KMS_INVALID_STATE"],
    [400, "AccessDeniedException", "KMS_ACCESS_DENIED"],
    [400, "UnrecognizedClientException", "KMS_ACCESS_DENIED"],
    [500, "KMSInternalException", "KMS_UNAVAILABLE"],
    [500, "KeyUnavailableException", "KMS_UNAVAILABLE"],
  ] as const)("%i %s is %s", async ([status, name, code], { expect }) => {
    const { wrapped } = await keys.generate(ARN, "snap-1");
    answer = [status, name];
    await expect(keys.generate(ARN, "snap-1")).rejects.toMatchObject({ code });
    await expect(keys.unwrap(ARN, "snap-1", wrapped)).rejects.toMatchObject({ code });
  });

  it("a service that is away is unavailable, and a key of another length is no key", async ({ expect }) => {
    const { wrapped } = await keys.generate(ARN, "snap-1");
    service.closeAllConnections();
    service.close();
    await expect(keys.unwrap(ARN, "snap-1", wrapped)).rejects.toMatchObject({ code: "KMS_UNAVAILABLE" });
  });

  it("the keyring comes first where it has the key; a wrapped key goes back to who made it", async ({ expect }) => {
    const far = await keys.generate(ARN, "snap-1");
    expect(far.wrapped).toMatch(/^kms:/);
    const own = await keys.generate(null, "snap-1");
    expect(own.wrapped).not.toMatch(/^kms:/);
    keyring.create(ARN);
    const near = await keys.generate(ARN, "snap-1");
    expect(near.wrapped).not.toMatch(/^kms:/);
    expect(await keys.unwrap(ARN, "snap-1", far.wrapped)).toEqual(Buffer.alloc(32, 5));
    expect(await keys.unwrap(ARN, "snap-1", near.wrapped)).toEqual(near.plaintext);
    const without = new RoutedKeys(keyring, null);
    await expect(without.unwrap(ARN, "snap-1", far.wrapped)).rejects.toMatchObject({ code: "KMS_NOT_FOUND" });
    await expect(without.generate(`${ARN}2`, "snap-1")).rejects.toMatchObject({ code: "KMS_NOT_FOUND" });
  });
});
