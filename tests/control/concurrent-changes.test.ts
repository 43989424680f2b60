/**
 * Changes of the same functions at the same time, through two servers with one store that takes its time: whatever
 * happens first, what is stored at the end fits together, and each request was carried out or refused in AWS's terms.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import type { OperationName } from "@thaw/aws-api";
import { expect, test } from "vitest";
import type { Random } from "@thaw/server/testing/base";
import { LATEST } from "@thaw/server/testing/model";
import { seededRandom } from "../support/random.ts";
import { ControlHarness } from "./harness.ts";

const SEEDS = Array.from({ length: 40 }, (_each, number) => number + 1);
const RESERVABLE = 400;
const REFUSALS = /^(ResourceNotFound|ResourceConflict|InvalidParameterValue|SnapStartNotReady)Exception$/;

interface Asked {
  readonly operation: OperationName;
  readonly input: Record<string, unknown>;
}

function pick<T>(fraction: () => number, items: readonly T[]): T {
  return items[Math.floor(fraction() * items.length)] as T;
}

/** Any change that there is, of one of two functions with two aliases each. */
function anyChange(fraction: () => number, count: number): Asked {
  const FunctionName = pick(fraction, ["f", "g"]);
  const version = String(1 + Math.floor(fraction() * 4));
  const alias = pick(fraction, ["live", "blue"]);
  const all: readonly Asked[] = [
    { operation: "PublishVersion", input: { FunctionName } },
    { operation: "PublishVersion", input: { FunctionName } },
    { operation: "UpdateFunctionConfiguration", input: { FunctionName, Timeout: 1 + (count % 100) } },
    {
      operation: "UpdateFunctionCode",
      input: { FunctionName, ZipFile: Buffer.from(pick(fraction, ["one", "two"])), Publish: fraction() < 0.5 },
    },
    { operation: "CreateAlias", input: { FunctionName, Name: alias, FunctionVersion: version } },
    { operation: "UpdateAlias", input: { FunctionName, Name: alias, FunctionVersion: version } },
    { operation: "DeleteAlias", input: { FunctionName, Name: alias } },
    { operation: "DeleteFunction", input: { FunctionName, Qualifier: version } },
    ...(fraction() < 0.2 ? [{ operation: "DeleteFunction", input: { FunctionName } } as const] : []),
    { operation: "TagResource", input: { Resource: arn(FunctionName), Tags: { [`t${count}`]: "1" } } },
    {
      operation: "PutFunctionConcurrency",
      input: { FunctionName, ReservedConcurrentExecutions: 250 + Math.floor(fraction() * 100) },
    },
    { operation: "DeleteFunctionConcurrency", input: { FunctionName } },
    {
      operation: "PutProvisionedConcurrencyConfig",
      input: { FunctionName, Qualifier: pick(fraction, [alias, version]), ProvisionedConcurrentExecutions: 1 },
    },
    { operation: "Invoke", input: { FunctionName, Qualifier: version } },
  ];
  return pick(fraction, all);
}

function arn(name: string): string {
  return `arn:aws:lambda:us-east-1:000000000000:function:${name}`;
}

function randomOf(fraction: () => number, seed: number): Random {
  let uuids = 0;
  return { fraction, uuid: () => `uuid-${seed}-${++uuids}`, bytes: (count) => Buffer.alloc(count) };
}

/** What does not fit together in the store. */
async function faults(harness: ControlHarness): Promise<readonly string[]> {
  const { store } = harness.life;
  const found: string[] = [];
  let reserved = 0;
  for (const owner of await store.listFunctions()) {
    reserved += owner.reservedConcurrency ?? 0;
    const versions = await store.listVersions(owner.name);
    const numbers = versions.map(({ version }) => version);
    for (const version of numbers)
      if (version !== LATEST && Number(version) > owner.lastVersion) found.push(`${version} > ${owner.lastVersion}`);
    if (!numbers.includes(LATEST)) found.push(`${owner.name} has no ${LATEST}`);
    for (const alias of await store.listAliases(owner.name))
      if (!numbers.includes(alias.functionVersion))
        found.push(`${owner.name}:${alias.name} points at ${alias.functionVersion}, of ${numbers.join(", ")}`);
    for (const { state, version, lastUpdateStatus } of versions)
      if (state === "Pending" || lastUpdateStatus === "InProgress") found.push(`${owner.name}:${version} is ${state}`);
  }
  if (reserved > RESERVABLE) found.push(`${reserved} of ${RESERVABLE} are reserved`);
  return found;
}

test.each(SEEDS)("seed %i", async (seed) => {
  const fraction = seededRandom(seed);
  const harness = await ControlHarness.start({
    functions: { one: { handle: () => "1" }, two: { handle: () => "2" } },
    limits: { concurrencyMax: 100 + RESERVABLE },
    random: randomOf(fraction, seed),
    storeTurns: () => Math.floor(fraction() * 8),
  });
  const fronts = [harness.control.operations, harness.anotherFront()];
  /** What each version was made of, as its publisher was told. */
  const contents = new Map<string, string>();
  const problems: string[] = [];
  for (let round = 0; round < 12; round++) {
    for (const [number, name] of ["f", "g"].entries())
      if ((await harness.life.store.getFunction(name)) === null)
        await harness.create(name, "one", { snapStart: number === 0 });
    const uids = new Map((await harness.life.store.listFunctions()).map(({ name, uid }) => [name, uid]));
    const asked = Array.from({ length: 8 }, (_each, number) => anyChange(fraction, round * 8 + number));
    const answers = await harness.orDeath(
      Promise.allSettled(
        asked.map(({ operation, input }, number) => harness.ask(operation, input, fronts[number % 2])),
      ),
    );
    await harness.advance(10);
    for (const [number, answer] of answers.entries()) {
      const { operation, input } = asked[number] as Asked;
      if (answer.status === "rejected") {
        const { name, message } = answer.reason as Error;
        if (!REFUSALS.test(name)) problems.push(`${operation}: ${name}: ${message}`);
      } else if (operation === "PublishVersion") {
        const { Version, CodeSha256, Timeout } = answer.value as Readonly<Record<string, unknown>>;
        const key = `${String(input["FunctionName"])} ${uids.get(String(input["FunctionName"]))}: ${String(Version)}`;
        const content = `${String(CodeSha256)} ${String(Timeout)}`;
        if ((contents.get(key) ?? content) !== content) problems.push(`${key} is two versions`);
        contents.set(key, content);
      }
    }
    problems.push(...(await faults(harness)));
  }
  expect(problems).toEqual([]);
  expect(harness.problems).toEqual([]);
  expect(contents.size).toBeGreaterThan(0);
  await harness.end();
});

/** The one that has more to read must not always be the later one. */
async function later<T>(turns: number, run: () => Promise<T>): Promise<T> {
  for (let turn = 0; turn < turns; turn++) await nextTurn();
  return run();
}

test("of a version that goes and an alias that comes to point at it, only one is carried out", async () => {
  const fraction = seededRandom(1);
  const harness = await ControlHarness.start({
    functions: { one: { handle: () => "1" } },
    storeTurns: () => Math.floor(fraction() * 8),
  });
  const other = harness.anotherFront();
  await harness.create("f", "one", { snapStart: false });
  const outcomes = new Set<string>();
  for (let round = 1; round <= 60; round++) {
    await harness.call("UpdateFunctionConfiguration", { FunctionName: "f", Timeout: round });
    await harness.advance(0);
    const version = await harness.publish("f");
    const alias = { FunctionName: "f", Name: `a${round}`, FunctionVersion: version };
    const answers = await harness.orDeath(
      Promise.allSettled([
        harness.ask("DeleteFunction", { FunctionName: "f", Qualifier: version }),
        later(round % 24, () => harness.ask("CreateAlias", alias, other)),
      ]),
    );
    outcomes.add(answers.map(({ status }) => status).join());
    expect(await faults(harness)).toEqual([]);
  }
  expect(outcomes).toEqual(new Set(["fulfilled,rejected", "rejected,fulfilled"]));
  await harness.end();
});
