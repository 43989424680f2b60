import { describe, it } from "vitest";
import { presignQuery, signRequest, verifySignature } from "./signature.ts";

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
  region: "us-east-1",
  nowMs: NOW,
  secretOf: (id: string) => (id === KEYS.accessKeyId ? KEYS.secretAccessKey : null),
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
      { secretOf: () => null },
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
    ["another region", {}, { region: "eu-west-1" }, "InvalidSignatureException", /valid region/],
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
