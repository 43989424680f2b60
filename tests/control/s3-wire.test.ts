/** S3 as it is on the wire: signatures, hosts, links, errors and documents that no SDK would send. */
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import { presignQuery, signRequest } from "@thaw/aws-api";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { Agent, type IncomingMessage, request } from "node:http";
import { text } from "node:stream/consumers";
import { describe, expect, it, onTestFinished } from "vitest";
import { CREDENTIALS, type HttpHarness, REGION } from "./http-harness.ts";
import { startS3 } from "./s3-harness.ts";

interface Sent {
  readonly body?: string;
  /** What the head says of the body; its digest where nothing is given. */
  readonly payload?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly host?: string;
  /** Headers that come on top and are not signed. */
  readonly unsigned?: Readonly<Record<string, string>>;
  readonly region?: string;
  readonly nowMs?: number;
  readonly isSigned?: boolean;
}

async function startWithObject() {
  const started = await startS3();
  await started.s3.send(new CreateBucketCommand({ Bucket: "bucket" }));
  await started.s3.send(new PutObjectCommand({ Bucket: "bucket", Key: "key", Body: "content" }));
  return started;
}

/** Node's own client: fetch would set the Host header itself. */
async function send(harness: HttpHarness, method: string, target: string, sent: Sent = {}) {
  const { body = "", host = harness.host, unsigned = {}, region = REGION, nowMs = Date.now() } = sent;
  const at = target.indexOf("?");
  const [path, query] = at === -1 ? [target, ""] : [target.slice(0, at), target.slice(at + 1)];
  const payload = sent.payload ?? createHash("sha256").update(body).digest("hex");
  const headers = { host, "x-amz-content-sha256": payload, ...sent.headers };
  const head = { method, path, query, headers, body: Buffer.from(body) };
  const signed = sent.isSigned === false ? { host } : signRequest(head, CREDENTIALS, region, nowMs, "s3");
  const outgoing = request({
    host: "127.0.0.1",
    port: harness.port,
    method,
    path: target,
    headers: { ...signed, ...unsigned, "content-length": Buffer.byteLength(body), connection: "close" },
  });
  outgoing.end(body);
  const [answer] = (await once(outgoing, "response")) as [IncomingMessage];
  return { status: answer.statusCode, headers: answer.headers, text: await text(answer) };
}

describe("a page that is an object", () => {
  it("is of an origin of its own where the console has the same name, and not where its host is S3's", async () => {
    const { harness } = await startWithObject();
    const policy = async (target: string, host: string): Promise<string> =>
      String((await send(harness, "GET", target, { host })).headers["content-security-policy"] ?? "none");
    for (const host of [harness.host, "thaw.example"])
      expect(await policy("/bucket/key", host)).toMatch(/^sandbox (?!.*allow-same-origin)/);
    expect(await policy("/key", "bucket.s3.localhost")).toBe("none");
  });
});

describe("signatures", () => {
  it("a body that is not the signed one is refused, and nothing of it stays", async () => {
    const { harness } = await startWithObject();
    const payload = createHash("sha256").update("another").digest("hex");
    expect(await send(harness, "PUT", "/bucket/new", { body: "content", payload })).toMatchObject({
      status: 400,
      text: expect.stringContaining("<Code>XAmzContentSHA256Mismatch</Code>"),
    });
    expect((await send(harness, "GET", "/bucket/new")).status).toBe(404);
    expect(await send(harness, "PUT", "/bucket/new", { body: "content", payload: "UNSIGNED-PAYLOAD" })).toMatchObject({
      status: 200,
    });
    expect((await send(harness, "PUT", "/bucket/new", { body: "x", payload: "nonsense" })).status).toBe(400);
  });

  it("refusals have S3's form and codes", async () => {
    const { harness } = await startWithObject();
    const cases: ReadonlyArray<readonly [Sent, number, string]> = [
      [{ unsigned: { "x-amz-meta-a": "1" } }, 403, "AccessDenied"],
      [{ nowMs: Date.now() - 3_600_000 }, 403, "RequestTimeTooSkewed"],
      [{ region: "eu-west-1" }, 400, "AuthorizationHeaderMalformed"],
      [{ isSigned: false, unsigned: { authorization: "AWS AKIATEST:c2ln" } }, 400, "AuthorizationHeaderMalformed"],
      [{ isSigned: false, host: "bucket.s3.localhost" }, 403, "AccessDenied"],
    ];
    for (const [sent, status, code] of cases) {
      const refused = await send(harness, "GET", "/bucket/key", sent);
      expect([refused.status, refused.text]).toEqual([status, expect.stringContaining(`<Code>${code}</Code>`)]);
      expect(refused.text).toMatch(/^<\?xml .*\n<Error>.*<RequestId>.+<\/RequestId><HostId>.+<\/HostId><\/Error>$/);
      expect(refused.headers["x-amz-request-id"]).toBeDefined();
    }
    const head = await send(harness, "HEAD", "/bucket/none");
    expect([head.status, head.text]).toEqual([404, ""]);
  });

  it.for(["/bucket/%zz", "/%zz", "/bucket/a%2"])("a path that can't be decoded: %s", async (path) => {
    const { harness } = await startWithObject();
    const refused = await send(harness, "GET", path);
    expect([refused.status, refused.headers["content-type"]]).toEqual([400, "application/xml"]);
    expect(refused.text).toContain("<Code>InvalidURI</Code><Message>Couldn't parse the specified URI.</Message>");
  });

  it("links: read with any client, until they expire, and for nothing else", async () => {
    const { harness } = await startWithObject();
    const link = (path: string, nowMs: number): string =>
      `http://${harness.host}${path}?${presignQuery(path, harness.host, CREDENTIALS, REGION, nowMs, 60, "s3")}`;
    const good = await fetch(link("/bucket/key", Date.now()));
    expect([good.status, await good.text()]).toEqual([200, "content"]);
    const expired = await fetch(link("/bucket/key", Date.now() - 61_000));
    expect([expired.status, await expired.text()]).toEqual([403, expect.stringContaining("Request has expired")]);
    expect((await fetch(link("/bucket/key", Date.now()).replace("/key", "/other"))).status).toBe(403);
    expect((await fetch(link("/bucket/key", Date.now()), { method: "DELETE" })).status).toBe(403);
  });
});

describe("addresses", () => {
  it("the SDK, with the bucket in the host name", async () => {
    const { harness, client } = await startWithObject();
    const asked: string[] = [];
    // Names below localhost are found without DNS.
    const httpAgent = new Agent({
      lookup: (name, _options, found) => {
        asked.push(name);
        found(null, [{ address: "127.0.0.1", family: 4 }]);
      },
    });
    onTestFinished(() => httpAgent.destroy());
    const s3 = client({
      endpoint: `http://s3.${REGION}.localhost:${harness.port}`,
      forcePathStyle: false,
      requestHandler: { httpAgent },
    });
    await s3.send(new CreateBucketCommand({ Bucket: "other" }));
    await s3.send(new PutObjectCommand({ Bucket: "other", Key: "a b/ü", Body: "over hosts" }));
    const got = await s3.send(new GetObjectCommand({ Bucket: "other", Key: "a b/ü" }));
    expect(await got.Body?.transformToString()).toBe("over hosts");
    const { Contents } = await s3.send(new ListObjectsV2Command({ Bucket: "other" }));
    expect(Contents?.map(({ Key }) => Key)).toEqual(["a b/ü"]);
    await s3.send(new DeleteObjectCommand({ Bucket: "other", Key: "a b/ü" }));
    await s3.send(new DeleteBucketCommand({ Bucket: "other" }));
    expect(new Set(asked)).toEqual(new Set([`other.s3.${REGION}.localhost`]));
  });

  it.for(["bucket.s3.us-east-1.localhost:9000", "bucket.s3.localhost", "bucket.localhost"])("%s", async (host) => {
    const { harness } = await startWithObject();
    expect(await send(harness, "GET", "/key", { host })).toMatchObject({ status: 200, text: "content" });
    expect((await send(harness, "GET", "/?list-type=2", { host })).text).toContain("<Key>key</Key>");
  });

  it("any content type is the object's own, and a key's path is left as it is", async () => {
    const { harness } = await startWithObject();
    const headers = { "content-type": "no type at all" };
    expect((await send(harness, "PUT", "/bucket//a//b%2Fc/", { body: "odd", headers })).status).toBe(200);
    const got = await send(harness, "GET", "/bucket//a//b%2Fc/");
    expect([got.text, got.headers["content-type"]]).toEqual(["odd", "no type at all"]);
    expect((await send(harness, "GET", "/bucket?prefix=%2Fa%2F%2F")).text).toContain("<Key>/a//b/c/</Key>");
    const head = await send(harness, "HEAD", "/bucket/key");
    expect([head.headers["content-length"], head.text]).toEqual(["7", ""]);
  });
});

describe("documents", () => {
  it.for([
    ["<Delete><Object><Key>key</Key></Object>", "MalformedXML"],
    ["<Delete></Delete>", "MalformedXML"],
    ["<Other/>", "MalformedXML"],
    ["<Delete><Object><Key>key</Key><Color>red</Color></Object></Delete>", "MalformedXML"],
    ['<!DOCTYPE d [<!ENTITY e "key">]><Delete><Object><Key>&e;</Key></Object></Delete>', "MalformedXML"],
    [`${"<a>".repeat(10_000)}`, "MalformedXML"],
    [`<Delete>${"<Object><Key>k</Key></Object>".repeat(1001)}</Delete>`, "MalformedXML"],
  ] as const)("%.60s… is refused", async ([document, code]) => {
    const { harness } = await startWithObject();
    const md5 = createHash("md5").update(document).digest("base64");
    const refused = await send(harness, "POST", "/bucket?delete", { body: document, headers: { "content-md5": md5 } });
    expect([refused.status, refused.text]).toEqual([400, expect.stringContaining(`<Code>${code}</Code>`)]);
    expect((await send(harness, "GET", "/bucket/key")).status).toBe(200);
    expect(harness.problems).toEqual([]);
  });

  it("a document without a digest, or with a wrong one, deletes nothing", async () => {
    const { harness } = await startWithObject();
    const body = "<Delete><Object><Key>key</Key></Object></Delete>";
    expect((await send(harness, "POST", "/bucket?delete", { body })).text).toContain("Content-MD5");
    const headers = { "content-md5": createHash("md5").update("x").digest("base64") };
    expect((await send(harness, "POST", "/bucket?delete", { body, headers })).text).toContain("BadDigest");
    expect((await send(harness, "GET", "/bucket/key")).status).toBe(200);
  });

  it("keys with characters that XML can't hold are listed percent-encoded", async () => {
    const { harness } = await startWithObject();
    await send(harness, "PUT", "/bucket/%01%3C%26", { body: "x" });
    expect((await send(harness, "GET", "/bucket?encoding-type=url&prefix=%01")).text).toContain("<Key>%01%3C%26</Key>");
  });
});
