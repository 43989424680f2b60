import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "vitest";
import { systemRandom } from "../base/random.ts";
import { FakeClock } from "../base/testing/fake-clock.ts";
import { type Caller, type CallerKey, callerOf } from "../model/caller.ts";
import type { ConsoleLogins } from "../ports/console-logins.ts";
import { openConsoleLogins } from "./console-logins.ts";

const KEY: CallerKey = {
  secretAccessKey: "secret",
  accountId: "000000000000",
  principalArn: "arn:aws:iam::000000000000:root",
  userId: "000000000000",
  kind: "operator",
  isSession: false,
};
const OTHER: CallerKey = { ...KEY, accountId: "222222222222", kind: "account" };
const caller = (accessKeyId: string, key: CallerKey): Caller => callerOf({ accessKeyId, region: "eu-west-1", key });

let dataDir: string;
let clock: FakeClock;
let keys: Map<string, CallerKey>;

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "console-logins-"));
  clock = new FakeClock();
  keys = new Map([
    ["AKIAHOME", KEY],
    ["AKIAOTHER", OTHER],
  ]);
});
afterEach(() => rmSync(dataDir, { recursive: true }));

function open(secret = Buffer.alloc(32, 1)): ConsoleLogins {
  return openConsoleLogins({
    dataDir,
    secret,
    clock,
    random: systemRandom,
    keys: { keyOf: (id) => keys.get(id) ?? null },
  });
}

function tokenOf(logins: ConsoleLogins, id = "AKIAHOME", key = KEY): string {
  const { code } = logins.makeCode(caller(id, key), "admin");
  return logins.exchange(code)?.token ?? "";
}

describe("codes", () => {
  it("are good once, for a minute", async ({ expect }) => {
    const logins = open();
    const { code, expiresInS } = logins.makeCode(caller("AKIAHOME", KEY), "read");
    expect(expiresInS).toBe(60);
    expect(Buffer.from(code, "base64url")).toHaveLength(16);
    expect(logins.exchange(code)?.session).toMatchObject({ role: "read", caller: { region: "eu-west-1" } });
    expect(logins.exchange(code)).toBeNull();
    const late = logins.makeCode(caller("AKIAHOME", KEY), "read").code;
    await clock.advance(60_000);
    expect(logins.exchange(late)).toBeNull();
  });

  it("are no more than a hundred, and make room when they are old", async ({ expect }) => {
    const logins = open();
    for (let count = 0; count < 100; count++) logins.makeCode(caller("AKIAHOME", KEY), "read");
    expect(() => logins.makeCode(caller("AKIAHOME", KEY), "read")).toThrow(/wait already/);
    await clock.advance(60_000);
    expect(logins.makeCode(caller("AKIAHOME", KEY), "read").code).not.toBe("");
  });

  it("are not for temporary credentials", ({ expect }) => {
    const session = caller("ASIA", { ...KEY, isSession: true });
    expect(() => open().makeCode(session, "admin")).toThrow(/access key/);
  });
});

describe("tokens", () => {
  it("live through a start of the server, for twelve hours", async ({ expect }) => {
    const token = tokenOf(open());
    expect(open().read(token)).toMatchObject({ role: "admin", caller: { accessKeyId: "AKIAHOME", kind: "operator" } });
    await clock.advance(12 * 3_600_000 - 1);
    expect(open().read(token)).not.toBeNull();
    await clock.advance(1);
    expect(open().read(token)).toBeNull();
  });

  it("end with the access key, with its secret, and with the installation's", ({ expect }) => {
    const logins = open();
    const token = tokenOf(logins);
    keys.set("AKIAHOME", { ...KEY, secretAccessKey: "another" });
    expect(logins.read(token)).toBeNull();
    keys.delete("AKIAHOME");
    expect(logins.read(token)).toBeNull();
    keys.set("AKIAHOME", KEY);
    expect(logins.read(token)).not.toBeNull();
    expect(open(Buffer.alloc(32, 2)).read(token)).toBeNull();
  });

  it("that are revoked stay so, and other accounts keep theirs", ({ expect }) => {
    const logins = open();
    const [own, other] = [tokenOf(logins), tokenOf(logins, "AKIAOTHER", OTHER)];
    const { code } = logins.makeCode(caller("AKIAHOME", KEY), "admin");
    logins.revoke("000000000000");
    expect(logins.exchange(code)).toBeNull();
    for (const each of [logins, open()]) {
      expect(each.read(own)).toBeNull();
      expect(each.read(other)).not.toBeNull();
    }
    expect(open().read(tokenOf(logins))).not.toBeNull();
    expect(statSync(join(dataDir, "console.json")).mode & 0o777).toBe(0o600);
    expect(JSON.parse(readFileSync(join(dataDir, "console.json"), "utf8"))).toMatchObject({ format: 1 });
  });

  it("that say more than they were given are none", ({ expect }) => {
    const logins = open();
    const { code } = logins.makeCode(caller("AKIAHOME", KEY), "read");
    const [prefix, text = "", mac] = (logins.exchange(code)?.token ?? "").split(".");
    const payload = JSON.parse(Buffer.from(text, "base64url").toString()) as object;
    const forged = Buffer.from(JSON.stringify({ ...payload, role: "admin" })).toString("base64url");
    for (const token of [`${prefix}.${forged}.${mac}`, `${prefix}.${text}.`, `${prefix}.${text}`, "", ".", "a.b.c"])
      expect(logins.read(token), token).toBeNull();
    const empty = Buffer.from("null").toString("base64url");
    expect(logins.read(`thawc1.${empty}.${mac}`)).toBeNull();
  });
});

it("a file that can't be read is named", ({ expect }) => {
  for (const text of ["", "{}", '{"format":2,"generations":{}}', '{"format":1,"generations":{"a":1}}', "null"]) {
    writeFileSync(join(dataDir, "console.json"), text);
    expect(open).toThrow(/console\.json can't be read/);
  }
});
