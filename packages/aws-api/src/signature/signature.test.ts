import { describe, it } from "vitest";
import { parseQuery } from "./canonical.ts";
import { presignQuery, signRequest } from "./sign.ts";
import { readClaim, verifySignature } from "./verify.ts";

const NOW = Date.UTC(2026, 10, 24, 12, 0, 0);
const KEYS = { accessKeyId: "AKIAEXAMPLE", secretAccessKey: "secret" };
const request = {
  method: "POST",
  path: "/2015-03-31/functions/a%3Ab/invocations",
  query: "Qualifier=1&A=b%20c",
  headers: { host: "localhost" },
  body: Buffer.from("{}"),
};
const verifier = {
  regions: ["us-east-1", "eu-central-1"],
  services: ["lambda"],
  nowMs: NOW,
  keyOf: (id: string): typeof KEYS | null => (id === KEYS.accessKeyId ? KEYS : null),
};
const signed = { ...request, headers: signRequest(request, KEYS, "us-east-1", NOW) };

describe("verifySignature", () => {
  it("accepts what it signed", ({ expect }) => {
    expect(verifySignature(signed, verifier)).toBeNull();
  });

  const wrong: ReadonlyArray<readonly [string, Partial<typeof signed>, Partial<typeof verifier>, string, RegExp]> = [
    [
      "another body",
      { body: Buffer.from("[]") },
      {},
      "InvalidSignatureException",
      /signature we calculated does not match/,
    ],
    ["another path", { path: "/other" }, {}, "InvalidSignatureException", /does not match/],
    ["another query", { query: "Qualifier=2" }, {}, "InvalidSignatureException", /does not match/],
    ["another method", { method: "PUT" }, {}, "InvalidSignatureException", /does not match/],
    [
      "an unknown key",
      {},
      { keyOf: () => null },
      "UnrecognizedClientException",
      /security token included in the request is invalid/,
    ],
    [
      "a stale date",
      {},
      { nowMs: NOW + 6 * 60_000 },
      "InvalidSignatureException",
      /Signature expired: 20261124T120000Z is now earlier than 20261124T120100Z/,
    ],
    ["a date to come", {}, { nowMs: NOW - 6 * 60_000 }, "InvalidSignatureException", /Signature not yet current/],
    ["another service", {}, { services: ["sts", "s3"] }, "InvalidSignatureException", /correct service: 'sts' or 's3'/],
    ["another region", {}, { regions: ["eu-west-1"] }, "InvalidSignatureException", /valid region/],
    [
      "no signature",
      { headers: { host: "localhost" } },
      {},
      "MissingAuthenticationTokenException",
      /Missing Authentication Token/,
    ],
    [
      "another scheme",
      { headers: { authorization: "Basic abc" } },
      {},
      "IncompleteSignatureException",
      /AWS4-HMAC-SHA256/,
    ],
  ];

  it.for(wrong)("refuses %s", ([, change, setting, name, message], { expect }) => {
    expect(verifySignature({ ...signed, ...change }, { ...verifier, ...setting })).toMatchObject({
      name,
      message: expect.stringMatching(message),
    });
  });
});

describe("what is not signed", () => {
  /** Signed by somebody who holds the key, with these headers only. */
  const signedWith = (query: string, headers: Record<string, string>) => {
    const request_ = { ...request, query, headers };
    return { ...request_, headers: signRequest(request_, KEYS, "us-east-1", NOW) as Record<string, string> };
  };

  it.for([
    ["", "?Qualifier=2"],
    ["A=1", "A=1?&Qualifier=2"],
    ["", "?"],
  ])("behind a second ? is not taken: %s sent as %s", ([query = "", sent = ""], { expect }) => {
    const original = signedWith(query, { host: "localhost" });
    expect(verifySignature(original, verifier)).toBeNull();
    expect(verifySignature({ ...original, query: sent }, verifier)).toMatchObject({
      name: "InvalidSignatureException",
      message: expect.stringContaining("does not match"),
    });
  });

  it("a second ? that is signed is data of the query", ({ expect }) => {
    const original = signedWith("?Qualifier=2", { host: "localhost" });
    expect(verifySignature(original, verifier)).toBeNull();
    expect([...parseQuery(original.query)]).toEqual([["?Qualifier", "2"]]);
  });

  it("a broken escape and its text are two queries", ({ expect }) => {
    const original = signedWith("A=%25zz%2Ba", { host: "localhost" });
    expect(verifySignature(original, verifier)).toBeNull();
    expect(verifySignature({ ...original, query: "A=%zz+a" }, verifier)).not.toBeNull();
  });

  it("an x-amz-* header that was added", ({ expect }) => {
    const original = signedWith("", { host: "localhost" });
    const added = { ...original, headers: { ...original.headers, "x-amz-invocation-type": "Event" } };
    expect(verifySignature(added, verifier)).toMatchObject({
      name: "InvalidSignatureException",
      status: 403,
      message: "There were headers present in the request which were not signed: x-amz-invocation-type",
    });
    const trace = { ...original, headers: { ...original.headers, "x-amzn-trace-id": "Root=1" } };
    expect(verifySignature(trace, verifier)).toBeNull();
  });

  it("Host", ({ expect }) => {
    expect(verifySignature(signedWith("", {}), verifier)).toMatchObject({
      name: "InvalidSignatureException",
      status: 403,
      message: expect.stringContaining("'Host' or ':authority' must be a 'SignedHeader'"),
    });
  });

  it("the date", ({ expect }) => {
    const { headers, ...rest } = signedWith("", { host: "localhost" });
    const authorization = (headers["authorization"] ?? "").replace("host;x-amz-date", "host");
    expect(verifySignature({ ...rest, headers: { ...headers, authorization } }, verifier)).toMatchObject({
      message: expect.stringContaining("not signed: x-amz-date"),
    });
  });

  it("names of the language's own are no headers", ({ expect }) => {
    const { headers, ...rest } = signedWith("", { host: "localhost" });
    const authorization = (headers["authorization"] ?? "").replace("host;", "__proto__;constructor;host;");
    expect(verifySignature({ ...rest, headers: { ...headers, authorization } }, verifier)).toMatchObject({
      message: expect.stringContaining("does not match"),
    });
  });
});

describe("readClaim", () => {
  it("refuses by the head alone", ({ expect }) => {
    const { body: _, ...head } = signed;
    expect(readClaim(head, { ...verifier, keyOf: () => null })).toMatchObject({
      name: "UnrecognizedClientException",
    });
    expect(readClaim(head, { ...verifier, nowMs: NOW + 3_600_000 })).toMatchObject({ status: 403 });
    expect(readClaim(head, verifier)).toMatchObject({ service: "lambda" });
  });
});

describe("a presigned link", () => {
  const query = presignQuery("/_thaw/v1/code/x", "localhost", KEYS, "us-east-1", NOW, 600);
  const link = {
    method: "GET",
    path: "/_thaw/v1/code/x",
    query,
    headers: { host: "localhost" },
    body: Buffer.alloc(0),
  };

  it("is accepted until it expires", ({ expect }) => {
    expect(verifySignature(link, verifier)).toBeNull();
    expect(verifySignature(link, { ...verifier, nowMs: NOW + 599_000 })).toBeNull();
    expect(verifySignature(link, { ...verifier, nowMs: NOW + 601_000 })).toMatchObject({
      name: "InvalidSignatureException",
      message: expect.stringContaining("Signature expired: 20261124T120000Z is now earlier than 20261124T120001Z"),
    });
  });

  const wrong: ReadonlyArray<readonly [string, Partial<typeof link>, string]> = [
    ["another path", { path: "/_thaw/v1/code/y" }, "InvalidSignatureException"],
    ["another host", { headers: { host: "elsewhere" } }, "InvalidSignatureException"],
    ["another method", { method: "DELETE" }, "InvalidSignatureException"],
    ["more of a query", { query: `${query}&a=b` }, "InvalidSignatureException"],
    ["a longer life", { query: query.replace("Expires=600", "Expires=6000") }, "InvalidSignatureException"],
    ["a life without end", { query: query.replace("Expires=600", "Expires=99999999") }, "IncompleteSignatureException"],
    ["no algorithm", { query: query.replace("X-Amz-Algorithm", "X-Amz-None") }, "IncompleteSignatureException"],
  ];

  it.for(wrong)("is refused for %s", ([, change, name], { expect }) => {
    expect(verifySignature({ ...link, ...change }, verifier)).toMatchObject({ name });
  });
});
