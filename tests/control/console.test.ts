/** The web console's doors: who gets in, from where, and what each login may do. */
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { type IncomingMessage, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock, systemRandom } from "@thaw/server/testing/base";
import type { ConsoleOptions } from "@thaw/server/testing/http";
import { openConsoleLogins } from "@thaw/server/testing/main";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CREDENTIALS, HttpHarness, NO_CONSOLE } from "./http-harness.ts";

const KEY = {
  secretAccessKey: CREDENTIALS.secretAccessKey,
  accountId: "000000000000",
  principalArn: "arn:aws:iam::000000000000:root",
  userId: "000000000000",
  kind: "operator",
  isSession: false,
} as const;
const SCRIPT = Buffer.from("import './b.js';".repeat(40));
const INDEX = Buffer.from("<!doctype html><title>Thaw</title>");
const asset = (contentType: string, bytes: Buffer, isImmutable: boolean) => ({
  contentType,
  etag: '"one"',
  isImmutable,
  bytes,
  encoded: { br: isImmutable ? Buffer.from("smaller") : null, gzip: null },
});

const dataDir = mkdtempSync(join(tmpdir(), "console-doors-"));
const acts: string[] = [];
const console_: ConsoleOptions = {
  ...NO_CONSOLE,
  mode: "on",
  hostNames: ["thaw.example"],
  logins: openConsoleLogins({
    dataDir,
    secret: Buffer.alloc(32, 7),
    keys: { keyOf: (id) => (id === CREDENTIALS.accessKeyId ? KEY : null) },
    clock: systemClock,
    random: systemRandom,
  }),
  assets: {
    build: "b1",
    files: new Map([
      ["index.html", asset("text/html; charset=utf-8", INDEX, false)],
      ["assets/a-1.js", asset("text/javascript", SCRIPT, true)],
    ]),
  },
  onAct: ({ operation }) => acts.push(operation),
};

let harness: HttpHarness;
beforeAll(async () => {
  harness = await HttpHarness.start({ functions: { one: { handle: () => "1" } } }, { console: console_ });
  await harness.control.create("one", "one");
});
afterAll(async () => {
  await harness[Symbol.asyncDispose]();
  rmSync(dataDir, { recursive: true });
});

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/** As a browser, or what is not one, sends it: `fetch` would choose Host and Sec-Fetch-Site itself. */
function ask(method: string, path: string, headers: Readonly<Record<string, string>> = {}, body = ""): Promise<Answer> {
  return new Promise((done, fail) => {
    const length = { "content-length": String(Buffer.byteLength(body)) };
    const options = { host: "127.0.0.1", port: harness.port, method, path, headers: { ...length, ...headers } };
    const sent = request(options, (response) => {
      const pieces: Buffer[] = [];
      response.on("data", (piece: Buffer) => pieces.push(piece));
      response.once("end", () =>
        done({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text: Buffer.concat(pieces).toString(),
        }),
      );
    });
    sent.once("error", fail);
    sent.end(body);
  });
}

/** Hears the lines of an answer as they come. */
function askLines(
  path: string,
  headers: Readonly<Record<string, string>>,
  onLine: (line: string) => void,
): { readonly begun: Promise<unknown>; readonly ended: Promise<unknown> } {
  const sent = request({ host: "127.0.0.1", port: harness.port, path, headers });
  const begun = once(sent, "response") as Promise<[IncomingMessage]>;
  const ended = begun.then(async ([response]) => {
    let rest = "";
    for await (const piece of response.setEncoding("utf8")) {
      const whole = (rest + String(piece)).split("\n");
      rest = whole.pop() ?? "";
      for (const line of whole) onLine(line);
    }
  });
  sent.end();
  return { begun, ended };
}

async function codeOf(role: "read" | "admin"): Promise<string> {
  const { path } = await harness.client.call("makeConsoleCode", { body: { role } });
  return path.replace("/_thaw/console/#code=", "");
}

async function login(role: "read" | "admin"): Promise<Record<string, string>> {
  const { text } = await ask("POST", "/_thaw/v1/console/token", {}, JSON.stringify({ code: await codeOf(role) }));
  return { authorization: `Bearer ${(JSON.parse(text) as { token: string }).token}` };
}

describe("logging in", () => {
  it("works once with a code, and never with another", async () => {
    const body = JSON.stringify({ code: await codeOf("admin") });
    const first = await ask("POST", "/_thaw/v1/console/token", {}, body);
    expect(first.status).toBe(200);
    expect(JSON.parse(first.text)).toMatchObject({ session: { role: "admin", accessKeyId: "AKIATEST" } });
    expect((await ask("POST", "/_thaw/v1/console/token", {}, body)).status).toBe(403);
    expect((await ask("POST", "/_thaw/v1/console/token", {}, '{"code":""}')).status).toBe(403);
  });

  it("makes codes for signed requests alone", async () => {
    expect((await ask("POST", "/_thaw/v1/console/code")).status).toBe(403);
    const made = await ask("POST", "/_thaw/v1/console/code", await login("admin"));
    expect(made).toMatchObject({ status: 403, text: expect.stringContaining("not for the console") });
  });

  it("ends with what was begun by it: nothing of a stream comes after it is revoked", async () => {
    const lines: string[] = [];
    const answered = askLines("/_thaw/v1/invocations/follow", await login("read"), (line) => lines.push(line));
    await answered.begun;
    const invoke = async (): Promise<void> => {
      const answer = harness.control.request({ name: "one" });
      await harness.control.advance(4_000);
      await answer;
    };
    await invoke();
    while (lines.length === 0) await harness.control.clock.advance(50);
    await harness.client.call("revokeConsole", {});
    await invoke();
    let isEnded = false;
    void answered.ended.then(() => {
      isEnded = true;
    });
    while (!isEnded && lines.length < 2) await harness.control.clock.advance(50);
    expect(lines).toHaveLength(1);
    expect(isEnded).toBe(true);
  });

  it("ends for all when it is revoked", async () => {
    const headers = await login("admin");
    expect((await ask("GET", "/_thaw/v1/console/session", headers)).status).toBe(200);
    await harness.client.call("revokeConsole", {});
    expect((await ask("GET", "/_thaw/v1/console/session", headers)).status).toBe(401);
  });
});

describe("a page of elsewhere", () => {
  it.for<Record<string, string>>([
    { "sec-fetch-site": "cross-site" },
    { "sec-fetch-site": "same-site" },
    { "sec-fetch-site": "none" },
    { origin: "http://127.0.0.1:1" },
    { origin: "null" },
    { origin: "https://thaw.example" },
  ])("is refused: %o", async (given) => {
    const headers = { ...(await login("admin")), ...given };
    for (const path of ["/_thaw/v1/environments", "/_thaw/console/api/lambda/2015-03-31/functions/"]) {
      const answer = await ask("GET", path, headers);
      expect(answer.status).toBe(403);
      expect(Object.keys(answer.headers).filter((name) => name.startsWith("access-control-"))).toEqual([]);
    }
    const body = JSON.stringify({ code: await codeOf("admin") });
    expect((await ask("POST", "/_thaw/v1/console/token", given, body)).status).toBe(403);
  });

  it("gets no preflight", async () => {
    const headers = { origin: "http://evil.example", "access-control-request-method": "GET" };
    expect((await ask("OPTIONS", "/_thaw/v1/environments", headers)).status).toBe(404);
  });

  it("can't call this host by a name of its own", async () => {
    const headers = { ...(await login("admin")), host: `evil.example:${harness.port}` };
    for (const path of ["/_thaw/console/", "/_thaw/console/assets/a-1.js", "/_thaw/v1/environments"]) {
      const answer = await ask("GET", path, headers);
      expect(answer).toMatchObject({ status: 421, text: expect.stringContaining("THAW_CONSOLE_HOSTS") });
    }
    const named = { ...headers, host: "THAW.example" };
    expect((await ask("GET", "/_thaw/v1/environments", named)).status).toBe(200);
  });
});

describe("a login", () => {
  it("that is wrong in any character is none", async () => {
    const { authorization = "" } = await login("admin");
    const { length } = authorization;
    for (const at of [8, 15, Math.floor(length / 2), length - 20]) {
      const other = authorization[at] === "A" ? "B" : "A";
      const wrong = `${authorization.slice(0, at)}${other}${authorization.slice(at + 1)}`;
      expect((await ask("GET", "/_thaw/v1/environments", { authorization: wrong })).status).toBe(401);
    }
    expect((await ask("GET", "/_thaw/v1/environments", { authorization: `Bearer ${"x".repeat(5000)}` })).status).toBe(
      401,
    );
  });

  it("of an admin sees and does, and the log hears of what it did", async () => {
    const headers = await login("admin");
    acts.length = 0;
    expect((await ask("GET", "/_thaw/v1/environments", headers)).status).toBe(200);
    expect(acts).toEqual([]);
    expect((await ask("POST", "/_thaw/v1/environments/stop", headers)).status).toBe(200);
    const invoked = await ask("POST", "/_thaw/console/api/lambda/2015-03-31/functions/none/invocations", headers, "{}");
    expect(invoked).toMatchObject({ status: 404, text: expect.stringContaining("Function not found") });
    expect(acts).toEqual(["stopEnvironments", "Invoke"]);
  });

  it("that is read-only sees, and does nothing", async () => {
    const headers = await login("read");
    acts.length = 0;
    const lambda = "/_thaw/console/api/lambda/2015-03-31/functions";
    expect((await ask("GET", `${lambda}/`, headers)).status).toBe(200);
    const refused: ReadonlyArray<readonly [string, string]> = [
      ["POST", "/_thaw/v1/environments/stop"],
      ["POST", "/_thaw/v1/check"],
      ["POST", `${lambda}/none/invocations`],
      ["POST", `${lambda}/none/versions`],
      ["DELETE", `${lambda}/none?Qualifier=1`],
    ];
    for (const [method, path] of refused) {
      const answer = await ask(method, path, headers, "{}");
      expect(answer, path).toMatchObject({ status: 403, text: expect.stringContaining("read-only") });
    }
    const form = { ...headers, "content-type": "application/x-www-form-urlencoded" };
    for (const wish of ["IncludePropertyValues=true", "IncludePropertyValues=false&IncludePropertyValues=true"]) {
      const body = `Action=DescribeChangeSet&ChangeSetName=c&StackName=s&Version=2010-05-15&${wish}`;
      const answer = await ask("POST", "/_thaw/console/api/cloudformation/", form, body);
      expect(answer).toMatchObject({ status: 403, text: expect.stringContaining("no values of properties") });
    }
    expect(acts).toEqual([]);
  });

  it("has no way to the rest", async () => {
    const headers = await login("admin");
    const refused: ReadonlyArray<readonly [string, string]> = [
      ["POST", "/_thaw/v1/keys/delete"],
      ["POST", "/_thaw/v1/accounts/add"],
      ["GET", "/_thaw/v1/code/x"],
      ["POST", "/_thaw/console/api/lambda/2015-03-31/functions"],
      ["POST", "/_thaw/console/api/cloudformation/?Action=DeleteStack"],
    ];
    for (const [method, path] of refused) {
      const answer = await ask(method, path, headers, "{}");
      expect(answer, path).toMatchObject({ status: 403, text: expect.stringContaining("not for the console") });
    }
    const form = { ...headers, "content-type": "application/x-www-form-urlencoded" };
    const stacks = "/_thaw/console/api/cloudformation/";
    const deleted = await ask("POST", stacks, form, "Action=DeleteStack&StackName=x&Version=2010-05-15");
    expect(deleted).toMatchObject({ status: 403, text: expect.stringContaining("not for the console") });
    // AWS's other paths take no token at all.
    expect((await ask("GET", "/2015-03-31/functions/", headers)).status).toBe(400);
  });
});

describe("the page", () => {
  it("comes with a policy that lets nothing in", async () => {
    for (const path of ["/_thaw/console/", "/_thaw/console/f/name", "/_thaw/console/assets/a-1.js"]) {
      const { status, headers } = await ask("GET", path);
      expect(status).toBe(200);
      expect(headers["content-security-policy"]).toContain("require-trusted-types-for 'script'; trusted-types 'none'");
      expect(headers["content-security-policy"]).toContain("default-src 'none'; script-src 'self'");
      expect(headers).toMatchObject({
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
      });
    }
  });

  it("is looked up, compressed and remembered", async () => {
    expect(await ask("GET", "/_thaw/console")).toMatchObject({ status: 308, headers: { location: "/_thaw/console/" } });
    const plain = await ask("GET", "/_thaw/console/assets/a-1.js", { "accept-encoding": "br;q=0, gzip" });
    expect(plain.text).toBe(SCRIPT.toString());
    const packed = await ask("GET", "/_thaw/console/assets/a-1.js", { "accept-encoding": "gzip, br" });
    expect(packed).toMatchObject({ text: "smaller", headers: { "content-encoding": "br", etag: '"one"' } });
    expect(packed.headers["cache-control"]).toContain("immutable");
    const known = await ask("GET", "/_thaw/console/assets/a-1.js", { "if-none-match": '"one"' });
    expect(known).toMatchObject({ status: 304, text: "" });
    const head = await ask("HEAD", "/_thaw/console/assets/a-1.js");
    expect(head).toMatchObject({ status: 200, text: "" });
    expect((await ask("GET", "/_thaw/console/")).headers["cache-control"]).toBe("no-store");
    expect((await ask("POST", "/_thaw/console/")).status).toBe(405);
  });

  it("says so where a file is of another build", async () => {
    for (const path of ["assets/a-2.js", "assets/../index.html", "assets/%2e%2e/x"])
      expect((await ask("GET", `/_thaw/console/${path}`)).status, path).toBe(404);
  });
});
