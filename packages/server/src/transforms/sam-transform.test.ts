import { afterEach, expect, test } from "vitest";
import { FakeClock, settle } from "../base/testing/fake-clock.ts";
import type { TransformOutcome } from "../ports/template-transform.ts";
import { SamTransform } from "./sam-transform.ts";

/**
 * Stands for the library's process: says how many templates it has had. A template with `Do` has it do something else.
 */
const PROGRAM = `
  import { createInterface } from "node:readline";
  const say = (document) => process.stdout.write(JSON.stringify(document) + "\\n");
  let count = 0;
  say({ ready: "1" });
  for await (const line of createInterface({ input: process.stdin })) {
    const { template, region } = JSON.parse(line);
    if (template.Do === "hang") setInterval(() => undefined, 1000);
    else if (template.Do === "die") { console.error("MemoryError"); process.exit(3); }
    else if (template.Do === "chatter") for (;;) { if (!process.stdout.write("x".repeat(1 << 20))) await new Promise((go) => process.stdout.once("drain", go)); }
    else if (template.Do === "rubbish") process.stdout.write("rubbish\\n");
    else if (template.Do === "env") say({ template: process.env });
    else say({ template: { count: ++count, region } });
  }
`;

const opened: SamTransform[] = [];
afterEach(() => {
  for (const each of opened.splice(0)) each.close();
});

function transformWith(program = PROGRAM, isInstalled = true): { clock: FakeClock; ask: Ask; transform: SamTransform } {
  const clock = new FakeClock();
  const argv = [process.execPath, "--input-type=module", "-e", program];
  const transform = new SamTransform({ isInstalled: () => isInstalled, argv, env: { ONLY: "this" }, clock });
  opened.push(transform);
  const ask: Ask = (what) =>
    transform.transform({ template: what === "count" ? {} : { Do: what }, parameters: {}, region: "eu-west-1" });
  return { clock, ask, transform };
}
type Ask = (what: "count" | "hang" | "die" | "chatter" | "rubbish" | "env") => Promise<TransformOutcome>;

const counted = (count: number): TransformOutcome => ({
  kind: "transformed",
  template: { count, region: "eu-west-1" },
});
const refused = (message: unknown): unknown => ({ kind: "refused", message });

test("one process answers all templates, in turn", async () => {
  const { ask } = transformWith();
  expect(await Promise.all([ask("count"), ask("count"), ask("count")])).toEqual([1, 2, 3].map(counted));
});

test("the process has the environment that it was given and no other", async () => {
  const { ask } = transformWith();
  expect(await ask("env")).toEqual({ kind: "transformed", template: { ONLY: "this" } });
});

test("a process without templates ends after ten minutes, and the next template starts another", async () => {
  const { ask, clock } = transformWith();
  expect(await ask("count")).toEqual(counted(1));
  await clock.advance(9 * 60_000);
  expect(await ask("count")).toEqual(counted(2));
  await clock.advance(10 * 60_000);
  expect(await ask("count")).toEqual(counted(1));
});

test("a template that takes more than 20 seconds is refused, and so is no other", async () => {
  const { ask, clock } = transformWith();
  expect(await ask("count")).toEqual(counted(1));
  const hanging = ask("hang");
  const behind = ask("count");
  await settle();
  await clock.advance(20_000);
  expect(await hanging).toEqual(
    refused("Transform AWS::Serverless-2016-10-31 failed with: its process did not answer within 20 s"),
  );
  expect(await behind).toEqual(counted(1));
});

test("a process that dies takes one template with it", async () => {
  const { ask } = transformWith();
  expect(await ask("die")).toEqual(refused(expect.stringMatching(/its process ended with code 3: MemoryError$/)));
  expect(await ask("count")).toEqual(counted(1));
});

test.each([
  ["chatter", /gave more than 33554432 characters$/],
  ["rubbish", /Internal transform failure\. \(its answer is no JSON\)$/],
] as const)("%s instead of an answer is refused", async (what, message) => {
  const { ask } = transformWith();
  expect(await ask(what)).toEqual(refused(expect.stringMatching(message)));
  expect((await ask("count")).kind).toBe("transformed");
});

test("a process that can't be started, or does not get ready, is told of", async () => {
  expect(await transformWith("process.exit(7)").ask("count")).toEqual(
    refused(expect.stringMatching(/ended with code 7/)),
  );
  const { ask, clock } = transformWith("setInterval(() => undefined, 1000)");
  const waiting = ask("count");
  await settle();
  await clock.advance(60_000);
  expect(await waiting).toEqual(refused(expect.stringMatching(/did not start within 60 s$/)));
});

test("where the library is not installed the refusal names the command", async () => {
  expect(await transformWith(PROGRAM, false).ask("count")).toEqual(
    refused(expect.stringMatching(/Run there, as root: .* runtimes install sam-transform$/)),
  );
});

test("a hundred templates wait, the next one is refused", async () => {
  const { ask, clock } = transformWith();
  expect(await ask("count")).toEqual(counted(1));
  const hanging = ask("hang");
  const waiting = Array.from({ length: 99 }, () => ask("count"));
  expect(await ask("count")).toEqual(refused(expect.stringMatching(/too many templates wait for it; try again$/)));
  await settle();
  await clock.advance(20_000);
  expect((await hanging).kind).toBe("refused");
  expect((await Promise.all(waiting)).map(({ kind }) => kind)).toEqual(waiting.map(() => "transformed"));
});

test("closing refuses what runs and what waits", async () => {
  const { ask, transform } = transformWith();
  expect(await ask("count")).toEqual(counted(1));
  const hanging = ask("hang");
  const waiting = ask("count");
  await settle();
  transform.close();
  for (const each of [await hanging, await waiting])
    expect(each).toEqual(refused(expect.stringMatching(/was stopped with the server$/)));
});
