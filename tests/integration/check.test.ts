/**
 * thaw check on the real engine: small functions that share something, beyond the pairs of check-pairs.test.ts, and
 * what the report says.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type DefaultTreeAdapterTypes, parse } from "parse5";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { REPOSITORY } from "../../tools/thaw-server.ts";
import { CheckHarness, idsOf, node, type Options, python, PYTHON } from "../support/check-harness.ts";
import type { Files } from "../support/functions.ts";

const harness = new CheckHarness();
const { outside, scratch } = harness;

beforeAll(() => harness.open());
afterAll(() => harness.close());

/** What is shared, how it is found, and the twin that shares nothing. */
const CASES: ReadonlyArray<readonly [string, Options, readonly string[], Files, Files]> = [
  [
    "Node.js: an identifier made at Init",
    {},
    ["shared-value"],
    node("const id = crypto.randomUUID(); export const handler = async () => ({ instance: id });"),
    node("export const handler = async () => ({ instance: crypto.randomUUID() });"),
  ],
  [
    "Node.js: an identifier that is only logged",
    {},
    ["shared-value"],
    node("const id = crypto.randomUUID(); export const handler = async () => { console.log('instance ' + id); };"),
    node("export const handler = async () => { console.log('instance ' + crypto.randomUUID()); };"),
  ],
  [
    "Node.js: a token that is read once",
    {},
    ["shared-value", "secret-in-memory"],
    node(`const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
const token = [part({ alg: "HS256", typ: "JWT" }), part({ sub: crypto.randomUUID() }), crypto.randomUUID().replaceAll("-", "")].join(".");
export const handler = async () => ({ authorization: token });`),
    node("export const handler = async () => ({ authorization: crypto.randomUUID() });"),
  ],
  [
    "Node.js: the time of Init",
    {},
    ["old-time"],
    node("const startedAt = Date.now(); export const handler = async () => ({ startedAt });"),
    node("export const handler = async () => ({ startedAt: Date.now() });"),
  ],
  [
    "Node.js: a time reckoned from a moment of Init",
    {},
    ["slow-clock"],
    node(
      "const start = Date.now() - performance.now(); export const handler = async () => ({ at: new Date(start + performance.now()) });",
    ),
    node("export const handler = async () => ({ at: new Date() });"),
  ],
  [
    "Node.js: a generator with a seed of Init",
    {},
    ["repeated-draw"],
    node(
      "let state = Date.now() % 2147483647; export const handler = async () => { state = (state * 48271) % 2147483647; return { value: state / 2147483647 }; };",
    ),
    node("export const handler = async () => ({ value: Math.random() });"),
  ],
  [
    "Python: a token that is read once",
    PYTHON,
    ["shared-value"],
    python(
      "import secrets\nTOKEN = secrets.token_urlsafe(32)\ndef handler(event, context):\n    return {'token': TOKEN}\n",
    ),
    python("import secrets\ndef handler(event, context):\n    return {'token': secrets.token_urlsafe(32)}\n"),
  ],
  [
    "Python: a generator with a seed",
    PYTHON,
    ["repeated-draw"],
    python(
      "import random\ngenerator = random.Random(7)\ndef handler(event, context):\n    return {'value': generator.random()}\n",
    ),
    python("import random\ndef handler(event, context):\n    return {'value': random.SystemRandom().random()}\n"),
  ],
];

describe("functions that share something", () => {
  it.each(CASES)("%s", async (_name, options, found, broken, fixed) => {
    await harness.try({ options, found, broken, fixed }, expect);
  });
});

it("counts connections, secrets and files, and shows no secret", async () => {
  const key = "AKIA0THAWTEST0CHECK1";
  const target = await harness.publish(
    node(`import { writeFileSync } from "node:fs";
import { connect } from "node:net";
writeFileSync("/tmp/cache.bin", "x".repeat(1000));
const socket = connect(8081, "${outside.address}");
socket.on("error", () => undefined);
await new Promise((resolve) => socket.once("connect", resolve));
globalThis.key = ["AKIA", "0THAWTEST0CHECK1"].join("").split("").join("");
export const handler = async () => {
  await fetch("http://${outside.address}:8080/connection");
  return { ok: true };
};`),
    { Environment: { Variables: { DB_PASSWORD: "correct-horse-battery" } } },
  );
  const report = await harness.check(target);
  expect(idsOf(report)).toEqual(["open-connection", "secret-in-memory"]);
  expect(report.findings.map((finding) => finding.id)).toEqual([
    "open-connection",
    "secret-in-memory",
    "secret-variable",
    "tmp-file",
  ]);
  expect(report.snapshot).toMatchObject({ cutConnections: 1, tmpFiles: [{ path: "cache.bin", size: 1000 }] });
  expect(report.network.peers).toEqual([`${outside.address}:8080`]);
  expect(report.processes[0]?.threads).toBeGreaterThan(1);
  expect(report.snapshot.workingSetBytes).toBeGreaterThan(0);
  const steps = report.phases.map((phase) => phase.name);
  expect(steps.slice(-2)).toEqual(["hooks", "firstResponse"]);
  expect(steps.indexOf("mount")).toBeLessThan(steps.indexOf("criu"));
  const { totalMs, phases, phaseStarts } = report.coldStart;
  expect(phaseStarts["restore"]).toBe(0);
  expect(phaseStarts["firstResponse"]).toBeGreaterThanOrEqual(phases["restore"] ?? Number.NaN);
  expect(totalMs).toBeCloseTo((phaseStarts["firstResponse"] ?? 0) + report.timing.firstInvokeMs, 6);
  const html = join(scratch, "report.html");
  const page = await harness.thaw("check", target, "--html", html);
  for (const text of [JSON.stringify(report), page.stdout, readFileSync(html, "utf8")]) {
    expect(text).not.toContain(key);
    expect(text).not.toContain("correct-horse-battery");
  }
  expect(page.stdout).toContain("Nearly ready");
  expect(readFileSync(html, "utf8")).toMatch(
    /<svg [^]*>restore the processes<[^]*>your after-restore hooks<[^]*>your code</,
  );
});

it("says what it left out: values beyond one search, a start without the snapshot that fails", async () => {
  const many = await harness.check(
    await harness.publish(
      node(
        "const ids = Array.from({ length: 300 }, () => crypto.randomUUID()); export const handler = async () => ids;",
      ),
    ),
  );
  expect(idsOf(many)).toEqual(["shared-value"]);
  expect(many.findings[0]?.title).toContain("300 values");
  expect(many.limits.join("\n")).toMatch(/\d+ of 300 values were not looked for in the snapshot's memory/);
  const hooked = node(`let token = null;
awslambda.snapStart.registerAfterRestore(() => { token = "ready"; });
export const handler = async () => { if (token === null) throw new Error("no token"); return { token }; };`);
  const alone = await harness.check(await harness.publish(hooked));
  expect(alone.verdict.status).toBe("good");
  expect(alone.timing.withoutSnapshotMs).toBeNull();
  expect(alone.limits.join("\n")).toMatch(/started without the snapshot failed for this event.*no token/);
});

it("writes HTML in which what a function says is text", async () => {
  const target = await harness.publish(
    node(`import { writeFileSync } from "node:fs";
process.title = "<b>title";
writeFileSync("/tmp/<img src=x onerror=alert(1)>", "x");
const shown = "<script>" + Math.floor(Math.random() * 1e6);
export const handler = async () => { console.log("</td><script>alert(2)</script>"); return { shown, "<script>name</script>": shown }; };`),
    { Environment: { Variables: { API_TOKEN: "<script>alert(3)</script>" } } },
  );
  const path = join(scratch, "hostile.html");
  const { code } = await harness.thaw("check", target, "--html", path);
  expect(code).toBe(1);
  const names: string[] = [];
  const errors: string[] = [];
  const visit = (element: DefaultTreeAdapterTypes.Node): void => {
    names.push(element.nodeName);
    for (const child of "childNodes" in element ? element.childNodes : []) visit(child);
  };
  visit(parse(readFileSync(path, "utf8"), { onParseError: (error) => errors.push(error.code) }));
  expect(errors).toEqual([]);
  expect(names.filter((name) => ["script", "img", "b"].includes(name))).toEqual([]);
  expect(readFileSync(path, "utf8")).toContain("&lt;script&gt;");
  expect(readFileSync(path, "utf8")).toContain("&lt;img src=x");
});

it("uses environments of its own and leaves none behind", async () => {
  const target = await harness.publish(node("let count = 0; export const handler = async () => ++count;"));
  const [name = "", version] = target.split(":");
  expect((await harness.functions.invoke(name, {}, version)).payload).toBe(1);
  await harness.check(target);
  await harness.functions.eventually("its clones have gone", async () => {
    const environments = await harness.functions.environments(name);
    return environments.filter((each) => each.state !== "parked").length === 1;
  });
  expect((await harness.functions.invoke(name, {}, version)).payload).toBe(2);
});

it("says why it could not check", async () => {
  const name = await harness.functions.create(node("export const handler = async () => 1;"));
  expect(await harness.thaw("check", name)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("has no snapshot to check") as string,
  });
  expect(await harness.thaw("check", "nobody:1")).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("Function not found") as string,
  });
  writeFileSync(join(scratch, "broken.json"), "{");
  expect(await harness.thaw("check", name, "--event", join(scratch, "broken.json"))).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("event: ") as string,
  });
  expect(await harness.thaw("check", name, "--event", "nothing.json")).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("--event: expected JSON, the name of a file, or - for standard input") as string,
  });
});

it("checks the Spring Boot sample", async () => {
  expect(await harness.thaw("deploy", join(REPOSITORY, "samples/spring/template.yml"))).toMatchObject({ code: 0 });
  const { stdout, code } = await harness.thaw(
    "check",
    "orders:live",
    "--event",
    join(REPOSITORY, "samples/spring/event.json"),
    "--html",
    join(scratch, "spring.html"),
  );
  expect(code, stdout).toBe(0);
});
