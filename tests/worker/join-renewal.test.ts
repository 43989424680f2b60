/** Certificates of workers are renewed: by whom, how often, and what a stolen one is good for. */
import { generateKeyPairSync, sign, X509Certificate } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { systemClock } from "@thaw/server/testing/base";
import {
  isRenewalDue,
  issueForControl,
  JOIN_BYTES_MAX,
  JOIN_NAME,
  JOIN_PROTOCOL,
  JOIN_PROTOCOL_HEADER,
  provenBytes,
  readIdentity,
  readWish,
  RENEW_BEFORE_MS,
  renewIdentity,
  WORKER_LIFETIME_MS,
  type WorkerIdentity,
} from "@thaw/server/testing/cluster";
import { issueCertificate, type KeyedCertificate, makeAuthority, workerName } from "@thaw/server/testing/remote-worker";
import { ADDRESS, Installation } from "./installation.ts";

const OF_THE_SAME = "renewed only with one of the same worker that is still in force";

let installation: Installation;
let dataDir: string;
let first: WorkerIdentity;

beforeEach(async () => {
  installation = await Installation.make();
  dataDir = installation.workerDir();
  first = await installation.join({ dataDir });
});

afterEach(async () => {
  await installation.end();
  expect(installation.problems).toEqual([]);
});

/** Renews from a directory of its own, as a host that has a copy of the worker's file. */
function renew(identity: WorkerIdentity): Promise<WorkerIdentity> {
  return renewIdentity(installation.workerDir(), { ...identity, server: installation.server }, systemClock);
}

describe("a worker's certificate", () => {
  test("is due a month before its end", () => {
    const endMs = Date.parse(new X509Certificate(first.certificate).validTo);
    expect(Math.abs(endMs - installation.clock.nowMs() - WORKER_LIFETIME_MS)).toBeLessThan(1000);
    expect(isRenewalDue(first, endMs - RENEW_BEFORE_MS - 1)).toBe(false);
    expect(isRenewalDue(first, endMs - RENEW_BEFORE_MS)).toBe(true);
  });

  test("is renewed with another key, for the same worker", async () => {
    await installation.clock.advance(3_600_000);
    const second = await renewIdentity(dataDir, first, systemClock);
    expect(readIdentity(dataDir)).toEqual(second);
    expect(second).toMatchObject({ workerId: first.workerId, address: ADDRESS, authority: first.authority });
    expect(second.key).not.toBe(first.key);
    const certifiedUntilMs = installation.clock.nowMs() + WORKER_LIFETIME_MS;
    expect(installation.membership.members).toMatchObject([{ workerId: first.workerId, certifiedUntilMs }]);
  });

  test("is renewed again where the answer was lost, also after the server was started again", async () => {
    await renew(first);
    await installation.restart();
    const second = await renew(first);
    const third = await renew(second);
    expect(third.workerId).toBe(first.workerId);
  });

  test("is renewed no more once its successor was seen: two hosts have it", async () => {
    const second = await renew(first);
    const third = await renew(second);
    await expect(renew(first)).rejects.toThrow("two hosts use the same one");
    await installation.restart();
    await expect(renew(first)).rejects.toThrow("two hosts use the same one");
    expect((await renew(third)).workerId).toBe(first.workerId);
  });

  test("that a thief renewed is missed by its worker", async () => {
    const own = await renew(first);
    const stolen = await renew(first);
    await expect(renew(own)).rejects.toThrow("two hosts use the same one");
    expect(stolen.workerId).toBe(first.workerId);
  });

  test("is not renewed for another address: who has stolen it is not called", async () => {
    await expect(renew({ ...first, address: "thief.example:7070" })).rejects.toThrow(
      `joined with the address ${ADDRESS}`,
    );
    expect(installation.membership.members).toMatchObject([{ address: ADDRESS }]);
    expect((await renew(first)).workerId).toBe(first.workerId);
  });

  test("of a worker that was removed is renewed no more", async () => {
    expect(installation.membership.remove(first.workerId)).toBe(true);
    expect(installation.membership.remove(first.workerId)).toBe(false);
    await expect(renew(first)).rejects.toThrow("was removed from this installation");
    await installation.restart();
    await expect(renew(first)).rejects.toThrow("was removed from this installation");
  });

  test("is renewed by nobody else: another worker, a control plane, a stranger, one that is over, nobody", async () => {
    const { authority } = installation;
    const other = await installation.join();
    const nowMs = systemClock.nowMs();
    const name = workerName(first.workerId);
    const stranger = await makeAuthority({ name: "Thaw installation", nowMs, lifetimeMs: 3_600_000 });
    const over = { name, nowMs: nowMs - 7 * 24 * 3_600_000, lifetimeMs: 1000 };
    const shown: KeyedCertificate[] = [
      other,
      await issueForControl(authority, nowMs),
      await issueCertificate({ name, nowMs, lifetimeMs: 3_600_000 }, ["client"], stranger),
      await issueCertificate(over, ["client"], authority),
    ];
    for (const { key, certificate } of shown)
      await expect(renew({ ...first, key, certificate })).rejects.toThrow(OF_THE_SAME);
    expect(await post("/renew", wish({ by: first.workerId }))).toEqual([403, refusal(OF_THE_SAME)]);
    expect((await renew(first)).workerId).toBe(first.workerId);
  });
});

describe("a request that is none of a worker's", () => {
  test("gets a sentence, and nothing else", async () => {
    const notUnderstood = refusal("no request of a worker that this release understands");
    for (const body of ["", "null", "[]", "{}", '{"by":1}', JSON.stringify({ ...wish({}), address: "x" })])
      expect(await post("/join", body)).toEqual([403, notUnderstood]);
    expect(await post("/other", wish({}))).toEqual([403, refusal("expected /join or /renew")]);
    expect(await post("/join", wish({}), "2")).toEqual([403, refusal("install the same release of Thaw")]);
    expect(installation.membership.members).toHaveLength(1);
  });

  test("that is too large is cut off", async () => {
    await expect(post("/join", "x".repeat(JOIN_BYTES_MAX + 1))).rejects.toThrow();
  });

  test("has a key that is weak, slow or of another kind, or a proof of another key", () => {
    const right = generateKeyPairSync("rsa", { modulusLength: 2048 });
    expect(readWish(wish({}, right))?.wish).toMatchObject({ address: ADDRESS });
    for (const wrong of [
      generateKeyPairSync("rsa", { modulusLength: 1024 }),
      generateKeyPairSync("rsa", { modulusLength: 2048, publicExponent: 3 }),
      generateKeyPairSync("ec", { namedCurve: "P-256" }),
    ])
      expect(readWish(wish({}, wrong))).toBeNull();
    const { proof } = wish({}, generateKeyPairSync("rsa", { modulusLength: 2048 }));
    for (const changed of [{ proof }, { proof: "" }, { by: "another" }, { address: "thief.example:1" }])
      expect(readWish({ ...wish({}, right), ...changed })).toBeNull();
    const privateKey = right.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
    const parts = { by: "0000000000000000", address: ADDRESS, publicKey: privateKey };
    const proven = sign("sha256", provenBytes(parts), right.privateKey).toString("base64");
    expect(readWish({ ...parts, secret: null, proof: proven })).toBeNull();
  });
});

type KeyPair = Pick<ReturnType<typeof generateKeyPairSync>, "publicKey" | "privateKey">;

function wish(
  { by = "0000000000000000" }: { by?: string },
  pair: KeyPair = generateKeyPairSync("rsa", { modulusLength: 2048 }),
) {
  const publicKey = pair.publicKey.export({ type: "spki", format: "pem" }).toString();
  const parts = { by, address: ADDRESS, publicKey };
  return { ...parts, secret: null, proof: sign("sha256", provenBytes(parts), pair.privateKey).toString("base64") };
}

function refusal(sentence: string): unknown {
  return { refused: expect.stringContaining(sentence) };
}

/** Sends what no worker of ours sends. */
async function post(path: string, body: unknown, protocol = String(JOIN_PROTOCOL)): Promise<[number, unknown]> {
  const { hostname, port } = new URL(installation.server);
  const request = httpsRequest({
    host: hostname,
    port,
    servername: JOIN_NAME,
    ca: first.authority,
    method: "POST",
    path,
    headers: { [JOIN_PROTOCOL_HEADER]: protocol },
  });
  request.end(typeof body === "string" ? body : JSON.stringify(body));
  const [response] = (await once(request, "response")) as [IncomingMessage];
  const pieces: Buffer[] = [];
  for await (const piece of response as AsyncIterable<Buffer>) pieces.push(piece);
  return [response.statusCode ?? 0, JSON.parse(Buffer.concat(pieces).toString()) as unknown];
}
