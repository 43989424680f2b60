/** `thaw compare` on the real engine: cold starts in turns, budgets, files, and what is refused. */
import { GetFunctionConfigurationCommand, ListFunctionsCommand } from "@aws-sdk/client-lambda";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Ran, runThaw } from "../support/cli.ts";
import type { TestFunctions } from "../support/functions.ts";
import { withThaw } from "../support/with-thaw.ts";

/** Init that computes for 300 ms: far more than a restore takes, also on a busy machine. */
const SLOW_INIT = "const until = performance.now() + 300;\nwhile (performance.now() < until);\n";
const ECHO = "export const handler = async (event) => event;\n";
/** Writes what could change a page or a terminal, and fails where the event says so. */
const HOSTILE = `export const handler = async ({ fails }) => {
  console.log("\\u001b[2J<script>");
  if (fails) throw new Error("</title><script>alert(1)</script>\\u001b[2J\\n| a | b |");
  return "\\u001b[2J</svg><script>alert(2)</script>";
};
`;

interface Report {
  readonly variants: ReadonlyArray<{
    readonly version: string;
    readonly alias: string | null;
    readonly isPrimed: boolean | null;
    readonly failures: number;
    readonly firstError: string | null;
    readonly ratio: number | null;
    readonly cold: { readonly p50: number; readonly max: number } | null;
    readonly samples: ReadonlyArray<{
      readonly requestId: string;
      readonly start: string;
      readonly clientMs: number;
      readonly totalMs: number;
      readonly initDurationMs: number | null;
      readonly restoreDurationMs: number | null;
      readonly parts: Readonly<Record<string, number>> | null;
    }>;
  }>;
  readonly notes: readonly string[];
}

let functions: TestFunctions;
let scratch: string;
withThaw((made) => {
  functions = made;
});
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), "thaw-compare-"));
});
afterAll(() => rmSync(scratch, { recursive: true }));

/** No CI's own summary gets ours. */
function thaw(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ran> {
  return runThaw(args, { ...functions.server.env, GITHUB_STEP_SUMMARY: "", ...env });
}

async function compare(...args: string[]): Promise<Report> {
  const { stdout, stderr, code } = await thaw(["--json", "compare", ...args]);
  expect([code, stderr.replaceAll(/^Note: .*\n/gm, "")]).toEqual([0, ""]);
  return JSON.parse(stdout) as Report;
}

describe("a function with SnapStart and a slow Init", () => {
  let name: string;
  beforeAll(async () => {
    name = await functions.createSnapStart({ "index.mjs": SLOW_INIT + ECHO });
    await functions.publish(name);
  });

  it("compares Init with its snapshot, each start cold, and changes nothing of it", { timeout: 300_000 }, async () => {
    const configuration = async (): Promise<unknown> => ({
      ...(await functions.lambda.send(new GetFunctionConfigurationCommand({ FunctionName: name }))),
      $metadata: null,
    });
    const before = await configuration();
    const { variants, notes } = await compare(name, "--count", "3", "--event", '{"below":1}');
    expect(await configuration()).toEqual(before);
    expect(notes.filter((note) => !note.includes("were made again"))).toEqual([]);
    expect(variants.map(({ version, samples }) => [version, samples.map(({ start }) => start)])).toEqual([
      ["$LATEST", ["initialised", "initialised", "initialised"]],
      ["1", ["restored", "restored", "restored"]],
    ]);
    const [fresh, clones] = variants;
    for (const sample of fresh?.samples ?? []) expect(sample.initDurationMs).toBeGreaterThan(300);
    for (const sample of clones?.samples ?? []) expect(sample.restoreDurationMs).toBeGreaterThan(0);
    for (const { clientMs, totalMs, parts } of variants.flatMap(({ samples }) => samples)) {
      expect(clientMs).toBeGreaterThan(totalMs);
      expect(parts?.["engine"]).toBeGreaterThan(0);
      expect(Object.values(parts ?? {}).reduce((sum, ms) => sum + ms, 0)).toBeCloseTo(totalMs, 3);
    }
    // The server's own records are those that were shown.
    const [sample] = clones?.samples ?? [];
    const record = (await (await functions.admin("GET", `invocations/${sample?.requestId}`)).json()) as {
      readonly totalMs: number;
    };
    expect(record.totalMs).toBe(sample?.totalMs);
  });

  it("writes page, picture and summary, and holds budgets", { timeout: 300_000 }, async () => {
    const [html, svg, summary] = ["page.html", "picture.svg", "summary.md"].map((file) => join(scratch, file));
    writeFileSync(summary ?? "", "before\n");
    const args = ["compare", `${name}:1`, "--count", "1", "--github", "--html", html ?? "", "--svg", svg ?? ""];
    const met = await thaw([...args, "--max-cold-p50", "600s", "--max-cold-p90", "600s"], {
      GITHUB_STEP_SUMMARY: summary ?? "",
    });
    expect([met.code, met.stderr]).toEqual([0, ""]);
    expect(met.stdout).toMatch(/\n\$LATEST \(Init\) +\d/);
    expect(met.stdout).toMatch(/\nversion 1 \(restored\) +\d/);
    expect(met.stdout).toMatch(/\nBudget for version 1 \(restored\): p50 600000 ms, met: [\d.]+ ms\.\n/);
    expect(readFileSync(html ?? "", "utf8")).toMatch(/^<!doctype html>[^]*<svg [^]*<\/html>\n$/);
    expect(readFileSync(svg ?? "", "utf8")).toMatch(/^<svg xmlns[^]*<\/svg>\n$/);
    expect(readFileSync(summary ?? "", "utf8")).toMatch(
      /^before\n### Cold starts of [^]*✅ Budget for version 1 \(restored\)/,
    );
    const missed = await thaw(["--json", "compare", name, "--count", "1", "--max-cold-p50", "0.001ms"]);
    expect([missed.code, missed.stderr]).toEqual([
      3,
      expect.stringMatching(
        /^(?:Note: .*\n)*Budget for version 1 \(restored\): p50 0\.0 ms, missed by [\d.]+ ms: [\d.]+ ms\.\n$/,
      ),
    ]);
    expect(JSON.parse(missed.stdout)).toMatchObject({ budgets: [{ of: "p50", limitMs: 0.001, isMet: false }] });
  });

  it("compares versions with one another, and says where $LATEST is another one", { timeout: 300_000 }, async () => {
    await functions.update(name, { "index.mjs": ECHO });
    expect((await compare(name, "--count", "1")).notes).toContainEqual(
      expect.stringContaining("$LATEST is not what version 1 was made of: code differ"),
    );
    const version = await functions.publish(name);
    const { variants } = await compare(name, "1", version, "$LATEST", "--count", "1");
    expect(variants.map((each) => [each.version, each.samples[0]?.start])).toEqual([
      ["1", "restored"],
      [version, "restored"],
      ["$LATEST", "initialised"],
    ]);
  });

  it("refuses what can't be compared, before anything is measured", { timeout: 300_000 }, async () => {
    const folder = join(scratch, "folder", "page.html");
    const cases: ReadonlyArray<readonly [readonly string[], string]> = [
      [[name, "77"], `${name}:77: there is no such version or alias`],
      [["no-such-function"], "there is no function no-such-function"],
      [[name, "1", "1"], `version 1 of ${name} is named twice`],
      [[name, "$LATEST"], "name a published version to compare $LATEST with"],
      [[`arn:aws:lambda:us-east-1:000000000000:function:${name}`], "expected NAME or NAME:QUALIFIER"],
      [[name, "1", "2", "3", "4", "5", "6"], "at most 5 are compared in one run"],
      [[name, "--count", "101"], "expected a whole number from 1 to 100"],
      [[name, "--max-cold-p50", "50"], "expected a duration above 0 with its unit: 50ms or 1.5s"],
      [
        [name, "--event", "no-such-file.json"],
        "--event: expected JSON, the name of a file, or - for standard input; no-such-file.json is no JSON",
      ],
      [[name, "--html", folder], `${folder} can't be written`],
      [[name, "--github"], "--github: GITHUB_STEP_SUMMARY is not set"],
    ];
    for (const [args, message] of cases) {
      const { code, stdout, stderr } = await thaw(["compare", ...args]);
      expect([args, code, stdout, stderr]).toEqual([args, 2, "", expect.stringContaining(message)]);
    }
    expect(readdirSync(scratch)).not.toContain("folder");
  });
});

it("compares a version unprimed with itself primed, and leaves nothing of the copy", {
  timeout: 300_000,
}, async () => {
  const code = `let served = 0;
export const handler = async () => {
  console.log("served before:", served++);
};
`;
  const name = await functions.createSnapStart({ "index.mjs": code });
  await functions.publish(name);
  const all = async (): Promise<readonly unknown[]> =>
    ((await functions.lambda.send(new ListFunctionsCommand({}))).Functions ?? []).map((each) => each.FunctionName);
  const before = await all();
  const unprimed = await thaw(["compare", name, "--primed"]);
  expect([unprimed.code, unprimed.stderr]).toEqual([
    2,
    expect.stringContaining(`${name}:1 has no thaw.prime.json, so it is not primed. To try some events:`),
  ]);
  const events = join(scratch, "primes.json");
  writeFileSync(events, '{"events":[{}],"times":3}');
  const { variants } = await compare(name, "--primed-by", events, "--count", "1");
  expect(variants).toMatchObject([
    { version: "1", isPrimed: false, label: "version 1, unprimed (restored)", failures: 0 },
    { version: "1", isPrimed: true, label: "version 1, primed (restored)", failures: 0 },
  ]);
  // What the copy wrote is in the log of the function: the first invoke of each clone, and the three prime events.
  const served = (await functions.logs(name)).flatMap(({ message }) => /served before: \d/.exec(message) ?? []);
  expect([...new Set(served)].toSorted()).toEqual([0, 1, 2, 3].map((count) => `served before: ${count}`));
  expect(await all()).toEqual(before);
  writeFileSync(events, '{"events":[{}],"time":3}');
  for (const [args, message] of [
    [["--primed-by", events], 'must be {"events": [EVENT, …], "times": NUMBER}; times may be absent'],
    [["--primed-by", join(scratch, "absent.json")], "--primed-by: ENOENT"],
    [["--primed", "--primed-by", events], "give one of them"],
    [["1", "2", "--primed"], "one version is compared, not several"],
  ] as const) {
    const { code: status, stderr } = await thaw(["compare", name, ...args]);
    expect([args, status, stderr]).toEqual([args, 2, expect.stringContaining(message)]);
  }
});

it("says what to do where there is no SnapStart, and compares such versions by name", {
  timeout: 300_000,
}, async () => {
  const name = await functions.create({ "index.mjs": ECHO });
  const unpublished = await thaw(["compare", name]);
  expect([unpublished.code, unpublished.stderr]).toEqual([
    2,
    expect.stringContaining(`${name} has no published version, so none is restored. Write SnapStart:`),
  ]);
  const version = await functions.publish(name);
  for (const args of [[name], [name, version]]) {
    const { code, stderr } = await thaw(["compare", ...args]);
    expect([code, stderr]).toEqual([2, expect.stringContaining("--snap-start ApplyOn=PublishedVersions")]);
  }
  const { variants } = await compare(name, "$LATEST", version, "--count", "1");
  expect(variants.map(({ samples }) => samples[0]?.start)).toEqual(["initialised", "initialised"]);
});

it("counts and shows a function's errors, whatever is in them", { timeout: 300_000 }, async () => {
  const name = await functions.createSnapStart({ "index.mjs": HOSTILE });
  await functions.publish(name);
  const html = join(scratch, "hostile.html");
  const event = join(scratch, "event.json");
  writeFileSync(event, '{"fails":true}');
  const failed = await thaw(["compare", name, "--count", "2", "--event", event, "--html", html, "--summary"]);
  expect([failed.code, failed.stderr]).toEqual([1, "GITHUB_STEP_SUMMARY is not set: no summary is written.\n"]);
  expect(failed.stdout).toContain(
    "the function failed in 2 of 2 invokes, first with: Error: </title><script>alert(1)</script>\\u001b[2J | a | b |.",
  );
  expect(failed.stdout).not.toContain("\u001b");
  const page = readFileSync(html, "utf8");
  expect(page).toContain("&lt;script&gt;");
  for (const text of ["<script", "\u001b"]) expect(page).not.toContain(text);
  const { variants } = await compare(name, "--count", "1", "--event", "@/dev/null");
  expect(variants.map(({ failures }) => failures)).toEqual([0, 0]);
});
