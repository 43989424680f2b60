/** Tokens and the keys of their issuers, over real HTTP: what is taken, and how often an issuer is asked. */
import { createHmac, type webcrypto } from "node:crypto";
import { FakeClock } from "@thaw/server/testing/fakes";
import { createTokenIssuers } from "@thaw/server/testing/issuers";
import { exportSPKI, importJWK, type JWTPayload } from "jose";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AUDIENCE, Issuer } from "../support/issuer.ts";

const HOUR_S = 3600;

let issuer: Issuer;
let clock: FakeClock;
let tokens: ReturnType<typeof createTokenIssuers>;
beforeEach(async () => {
  issuer = await Issuer.start();
  clock = new FakeClock(Date.now());
  tokens = createTokenIssuers({ clock, isHttpIssuer: ({ origin }) => origin === issuer.url, timeoutMs: 1500 });
});
afterEach(() => issuer[Symbol.asyncDispose]());

const check = (token: string) => tokens.check(token, { issuer: issuer.url, audience: ["other", AUDIENCE] });
const nowS = (): number => Math.floor(clock.nowMs() / 1000);
const invalid = (description: string) => ({ kind: "invalid", description, why: null });

function encoded(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString("base64url");
}

describe("a token", () => {
  it.for<readonly [string, () => JWTPayload]>([
    ["with nothing else", () => ({})],
    ["for several", () => ({ aud: ["x", AUDIENCE] })],
    ["of a client, without an audience", () => ({ aud: undefined as unknown as string, client_id: AUDIENCE })],
    ["that is valid since now", () => ({ nbf: nowS(), iat: nowS() })],
  ])("%s is good", async ([, claims]) => {
    const checked = await check(await issuer.sign({ sub: "me", ...claims() }));
    expect(checked).toMatchObject({ kind: "valid", claims: { iss: issuer.url, sub: "me" } });
  });

  it.for<readonly [string, () => JWTPayload, string]>([
    ["of another issuer", () => ({ iss: `${issuer.url}/` }), "the token does not have a valid issuer"],
    ["for others", () => ({ aud: "others" }), "the token does not have a valid audience"],
    [
      "of a client, for others",
      () => ({ aud: "others", client_id: AUDIENCE }),
      "the token does not have a valid audience",
    ],
    ["for nobody", () => ({ aud: undefined as unknown as string }), "the token does not have a valid audience"],
    ["that has expired", () => ({ exp: nowS() }), "the token has expired"],
    ["without an end", () => ({ exp: undefined as unknown as number }), "the token does not say when it expires: exp"],
    ["of later", () => ({ nbf: nowS() + 1 }), "the token is not valid yet"],
    ["that was issued later", () => ({ iat: nowS() + 1 }), "the token was issued in the future"],
  ])("%s is not", async ([, claims, description]) => {
    expect(await check(await issuer.sign(claims()))).toEqual(invalid(description));
    expect(issuer.asked).toEqual([]);
  });

  it("with a signature of another key, or of other claims, is not", async () => {
    await using other = await Issuer.start();
    const invalidSignature = invalid("the signature of the token is invalid");
    expect(await check(await other.sign({ iss: issuer.url }))).toEqual(invalidSignature);
    const [header, , signature] = (await issuer.sign()).split(".");
    const claims = encoded({ iss: issuer.url, aud: AUDIENCE, exp: nowS() + HOUR_S, sub: "admin" });
    expect(await check(`${header}.${claims}.${signature}`)).toEqual(invalidSignature);
  });

  it("that says that it needs no signature, or is signed by the public key as a secret, is not", async () => {
    const claims = encoded({ iss: issuer.url, aud: AUDIENCE, exp: nowS() + HOUR_S });
    const none = `${encoded({ alg: "none", kid: "first" })}.${claims}.`;
    expect(await check(none)).toEqual(invalid("signing method none is invalid"));
    const secret = await exportSPKI(
      (await importJWK(issuer.jwk, "RS256", { extractable: true })) as webcrypto.CryptoKey,
    );
    const signed = `${encoded({ alg: "HS256", kid: "first" })}.${claims}`;
    const forged = `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
    expect(await check(forged)).toEqual(invalid("signing method HS256 is invalid"));
    expect(issuer.asked).toEqual([]);
  });

  it("of an elliptic curve is not: AWS takes RSA only", async () => {
    await issuer.rotate("curve", { alg: "ES256" });
    expect(await check(await issuer.sign())).toEqual(invalid("signing method ES256 is invalid"));
  });

  it("without the name of a key is not", async () => {
    const token = await issuer.sign({}, { kid: "" });
    expect(await check(token)).toEqual(invalid("the token does not name the key that signed it: kid"));
  });

  it.for(["", "a.b.c", "....", "é.é.é", `${encoded({ alg: "RS256", kid: "first" })}.W10.AA`])(
    "that is none is not: %j",
    async (text) => {
      expect(await check(text)).toMatchObject({ kind: "invalid" });
      expect(issuer.asked).toEqual([]);
    },
  );

  it("that is longer than all headers may be is not looked at", async () => {
    expect(await check(await issuer.sign({ sub: "x".repeat(10_240) }))).toEqual(invalid("the token is malformed"));
  });
});

describe("keys", () => {
  it("are asked for once in two hours", async () => {
    const token = await issuer.sign({ exp: nowS() + 3 * HOUR_S });
    await Promise.all([check(token), check(token)]);
    await clock.advance(2 * HOUR_S * 1000 - 1);
    expect(await check(token)).toMatchObject({ kind: "valid" });
    expect(issuer.keysAsked).toBe(1);
    await clock.advance(1);
    expect(await check(token)).toMatchObject({ kind: "valid" });
    expect(issuer.keysAsked).toBe(2);
  });

  it("that are new are found at once, and made-up names are looked for once in ten seconds", async () => {
    await check(await issuer.sign());
    await clock.advance(10_000);
    await issuer.rotate("second");
    const rotated = await issuer.sign();
    expect(await Promise.all([check(rotated), check(rotated)])).toMatchObject([{ kind: "valid" }, { kind: "valid" }]);
    expect(issuer.keysAsked).toBe(2);
    const unknown = invalid("unable to find the key that signed the token");
    for (let count = 0; count < 20; count++) {
      await clock.advance(499);
      expect(await check(await issuer.sign({}, { kid: `made-up-${count}` }))).toEqual(unknown);
    }
    expect(issuer.keysAsked).toBe(2);
    await clock.advance(20);
    expect(await check(await issuer.sign({}, { kid: "made-up" }))).toEqual(unknown);
    expect(issuer.keysAsked).toBe(3);
  });

  it("stay good while their issuer can't be asked for a new one", async () => {
    const token = await issuer.sign();
    await check(token);
    issuer.answerKeys((response) => void response.writeHead(500).end());
    await clock.advance(10_000);
    expect(await check(await issuer.sign({}, { kid: "new" }))).toMatchObject({ kind: "invalid" });
    expect(await check(token)).toMatchObject({ kind: "valid" });
  });

  it("are asked for again a second after an issuer failed", async () => {
    const token = await issuer.sign();
    issuer.answerKeys((response) => void response.writeHead(500).end());
    const failure = { kind: "invalid", description: "OIDC discovery endpoint communication error" };
    expect(await check(token)).toMatchObject({ ...failure, why: expect.stringContaining("answers 500") });
    issuer.answers.clear();
    expect(await check(token)).toMatchObject(failure);
    await clock.advance(1000);
    expect(await check(token)).toMatchObject({ kind: "valid" });
  });
});

describe("an issuer", () => {
  const whyOf = async (): Promise<unknown> => {
    const checked = await check(await issuer.sign());
    expect(checked).toMatchObject({ kind: "invalid", description: "OIDC discovery endpoint communication error" });
    return checked.kind === "invalid" ? checked.why : null;
  };

  it("that sends ten megabytes of keys is left after 150,000 bytes", async () => {
    const { promise: left, resolve } = Promise.withResolvers<void>();
    issuer.answerKeys((response) => {
      response.on("close", resolve);
      const piece = Buffer.alloc(64 * 1024, " ");
      const write = (count: number): void => void (count < 160 && response.write(piece, () => write(count + 1)));
      write(0);
    });
    expect(await whyOf()).toContain("more than 150000 bytes");
    await left;
  });

  it("that does not answer is left after 1.5 s", async () => {
    const { promise: asked, resolve } = Promise.withResolvers<void>();
    issuer.answerDiscovery(() => resolve());
    const why = whyOf();
    await asked;
    await clock.advance(1500);
    expect(await why).toContain("did not answer in 1500 ms");
  });

  it("that begins and does not end is left after 1.5 s", async () => {
    const { promise: asked, resolve } = Promise.withResolvers<void>();
    issuer.answerKeys((response) => {
      response.write('{"keys":', () => resolve());
    });
    const why = whyOf();
    await asked;
    await clock.advance(1500);
    expect(await why).toContain("did not answer in 1500 ms");
  });

  it("that sends elsewhere is not followed", async () => {
    issuer.answerDiscovery((response) => void response.writeHead(302, { location: `${issuer.url}/loop` }).end());
    expect(await whyOf()).toContain("answers 302, and redirects are not followed");
    expect(issuer.asked).toHaveLength(1);
  });

  it.for<readonly [string, string, string]>([
    ["no JSON", "<html>", "is no JSON document"],
    ["no address of keys", "{}", "has no jwks_uri of https"],
    ["keys elsewhere without encryption", '{"jwks_uri":"http://192.0.2.1/keys"}', "has no jwks_uri of https"],
    ["keys in a file", '{"jwks_uri":"file:///etc/passwd"}', "has no jwks_uri of https"],
  ])("whose discovery has %s", async ([, text, why]) => {
    issuer.answerDiscovery((response) => void response.end(text));
    expect(await whyOf()).toContain(why);
  });

  it.for(["[]", '{"keys":1}', '{"keys":[1]}', "null"])("whose keys are none: %s", async (text) => {
    issuer.answerKeys((response) => void response.end(text));
    expect(await whyOf()).toMatch(/is no (set of keys|JSON document)/);
  });

  it.for(["http://192.0.2.1", "ftp://a", "a", "", "https://user:pass@a", "https://a/?b", "https://a/#b"])(
    "can't be %j",
    (url) => {
      expect(tokens.problemOf(url)).toContain("Invalid issuer");
    },
  );

  it("of https, or of http where the operator names it, can be", () => {
    expect(tokens.problemOf("https://issuer.example/path/")).toBeNull();
    expect(tokens.problemOf(`${issuer.url}/path`)).toBeNull();
    expect(tokens.problemOf("http://localhost:1")).toContain("thaw serve --http-issuer http://localhost:1");
  });
});
