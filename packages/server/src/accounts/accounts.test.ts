import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "vitest";
import { systemRandom } from "../base/random.ts";
import { FakeClock } from "../base/testing/fake-clock.ts";
import type { Accounts } from "../ports/accounts.ts";
import { openAccounts } from "./account-file.ts";
import { SessionCredentialSource } from "./session-credentials.ts";

const HOME = { accountId: "000000000000", accessKeyId: "AKIAHOME", secretAccessKey: "home" };
const KEY = { accessKeyId: "AKIAOTHERKEYOTHER", secretAccessKey: "secretsecretsecret" };
const ALICE = "222222222222";
const OWNER = { accountId: ALICE, functionName: "f", role: `arn:aws:iam::${ALICE}:role/path/r` };

let dir: string;
let clock: FakeClock;
let functions: SessionCredentialSource;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "accounts-test-"));
  clock = new FakeClock();
  functions = new SessionCredentialSource(Buffer.alloc(32, 1), clock, systemRandom);
});

afterEach(() => rmSync(dir, { recursive: true }));

const open = (): Accounts =>
  openAccounts({ dataDir: dir, home: HOME, sessionKeys: functions, clock, random: systemRandom });

describe("the file of accounts", () => {
  it("is not there with the home alone, and private once it is", ({ expect }) => {
    const accounts = open();
    expect(accounts.keyOf("AKIAHOME", "a token of another session")).toMatchObject({
      kind: "operator",
      principalArn: "arn:aws:iam::000000000000:root",
    });
    const { accessKeyId, secretAccessKey } = accounts.add(ALICE, "alice");
    expect(statSync(join(dir, "accounts.json")).mode & 0o777).toBe(0o600);
    expect(open().keyOf(accessKeyId, null)).toMatchObject({ secretAccessKey, accountId: ALICE, kind: "account" });
    expect(open().list()).toMatchObject([{ isHome: true }, { accountId: ALICE, name: "alice" }]);
  });

  it("may be the operator's own", ({ expect }) => {
    writeFileSync(
      join(dir, "accounts.json"),
      JSON.stringify({ format: 1, accounts: [{ accountId: ALICE, accessKeys: [KEY] }] }),
    );
    expect(open().keyOf(KEY.accessKeyId, null)).toMatchObject({ accountId: ALICE });
  });

  it.for([
    ["no JSON", "{", /accounts\.json: /],
    ["another format", { format: 2, accounts: [] }, /"format" must be 1/],
    ["no list", { format: 1 }, /"accounts" must be a list/],
    ["no account", { format: 1, accounts: [null] }, /accounts\[0\]\.accountId must have 12 digits/],
    ["the home", { format: 1, accounts: [{ accountId: HOME.accountId, accessKeys: [] }] }, /is there twice/],
    [
      "a key of two accounts",
      {
        format: 1,
        accounts: [
          { accountId: ALICE, accessKeys: [KEY] },
          { accountId: "333333333333", accessKeys: [KEY] },
        ],
      },
      /the key AKIAOTHERKEYOTHER is there twice/,
    ],
    [
      "a short secret",
      { format: 1, accounts: [{ accountId: ALICE, accessKeys: [{ ...KEY, secretAccessKey: "short" }] }] },
      /secretAccessKey/,
    ],
    ["three keys", { format: 1, accounts: [{ accountId: ALICE, accessKeys: [1, 2, 3] }] }, /at most 2/],
  ] as const)("with %s is refused in words", ([, content, why], { expect }) => {
    writeFileSync(join(dir, "accounts.json"), typeof content === "string" ? content : JSON.stringify(content));
    expect(open).toThrow(why);
  });
});

describe("credentials of a function", () => {
  it("are known by what they say, and to the same secret only", ({ expect }) => {
    const { accessKeyId, secretAccessKey, sessionToken } = functions.issue(OWNER);
    const known = { secretAccessKey, accountId: ALICE, kind: "function" };
    expect(functions.keyOf(accessKeyId, sessionToken)).toMatchObject({
      ...known,
      principalArn: `arn:aws:sts::${ALICE}:assumed-role/r/f`,
      userId: expect.stringMatching(/^AROA[0-9A-F]{17}:f$/),
    });
    const same = new SessionCredentialSource(Buffer.alloc(32, 1), clock, systemRandom);
    expect(same.keyOf(accessKeyId, sessionToken)).toMatchObject(known);
    const other = new SessionCredentialSource(Buffer.alloc(32, 2), clock, systemRandom);
    expect(other.keyOf(accessKeyId, sessionToken)).toBeNull();
    expect(functions.issue(OWNER).accessKeyId).not.toBe(accessKeyId);
  });

  it("end after six hours, and with their account", async ({ expect }) => {
    const accounts = open();
    const { accessKeyId, sessionToken } = functions.issue(OWNER);
    expect(accounts.keyOf(accessKeyId, sessionToken)).toBeNull();
    accounts.add(ALICE, "");
    expect(accounts.keyOf(accessKeyId, sessionToken)).not.toBeNull();
    expect(accounts.keyOf(accessKeyId, null)).toBeNull();
    await clock.advance(6 * 3_600_000);
    expect(accounts.keyOf(accessKeyId, sessionToken)).toBe("expired");
  });

  it("with any bit changed, or of any other form, are unknown", ({ expect }) => {
    const { accessKeyId, sessionToken } = functions.issue(OWNER);
    const bytes = Buffer.from(sessionToken, "base64");
    for (const at of bytes.keys()) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(functions.keyOf(accessKeyId, changed.toString("base64"))).toBeNull();
    }
    for (const token of ["", "x", " ", sessionToken.slice(0, -4), `${sessionToken} `, "A".repeat(100_000)])
      expect(functions.keyOf(accessKeyId, token)).toBeNull();
  });
});
