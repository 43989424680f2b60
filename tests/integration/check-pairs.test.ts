// matrix: some minutes of pairs, each deployed and checked
/**
 * thaw check on each deployable pair: the broken function's hazard is found in real clones, its twin is clean. The
 * table is tests/support/pairs.ts.
 */
import type { CheckReport } from "@thaw/thaw-api/check-report";
import { join } from "node:path";
import { afterAll, beforeAll, it } from "vitest";
import { REPOSITORY, startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { TestFunctions } from "../support/functions.ts";
import { Outside } from "../support/outside.ts";
import { eventOf, optionsOf, type Pair, PairPackages, PAIRS, type State, UNSEEN } from "../support/pairs.ts";

/** Publishes run ahead of the checks, so many at once. */
const PUBLISHERS = 2;

const outside = new Outside();
const published = new Map<string, Promise<string>>();
let server: ThawServer | undefined;
let packages: PairPackages | undefined;
let publishing: Promise<unknown> = Promise.resolve();

beforeAll(async () => {
  packages = new PairPackages();
  outside.open();
  const program = join(REPOSITORY, "tests/support/outside-server.ts");
  await outside.run(process.execPath, ["--disable-warning=ExperimentalWarning", program, "8080", outside.address]);
  server = await startThaw({ nameServer: outside.address });
  publishing = publishAll(new TestFunctions(server), packages);
});

afterAll(async () => {
  await publishing.catch(() => undefined);
  await server?.remove();
  await outside.close();
  packages?.remove();
});

const key = (pair: Pair, state: State): string => `${pair.language}-${pair.rule}-${state}`;

/** In the order of the tests; each of them waits for its own. */
async function publishAll(functions: TestFunctions, from: PairPackages): Promise<void> {
  const waiting = PAIRS.flatMap((pair) =>
    (["broken", "fixed"] as const).map((state) => ({ pair, state, ...Promise.withResolvers<string>() })),
  );
  for (const { pair, state, promise } of waiting) {
    promise.catch(() => undefined);
    published.set(key(pair, state), promise);
  }
  const next = waiting.values();
  const publisher = async (): Promise<void> => {
    for (const { pair, state, resolve, reject } of next)
      await publish(functions, from, pair, state).then(resolve, reject);
  };
  await Promise.all(Array.from({ length: PUBLISHERS }, publisher));
}

async function publish(
  functions: TestFunctions,
  from: PairPackages,
  pair: Pair,
  state: State,
  FunctionName = key(pair, state),
): Promise<string> {
  const name = await functions.createSnapStart(from.filesOf(pair, state), {
    FunctionName,
    ...optionsOf(pair, outside.address),
  });
  return `${name}:${await functions.publish(name)}`;
}

async function check(target: string | undefined, event: unknown): Promise<CheckReport> {
  const functions = new TestFunctions(server as ThawServer);
  const body = Buffer.from(JSON.stringify({ function: target, event: JSON.stringify(event), clones: 2 }));
  const response = await functions.admin("POST", "check", body);
  if (!response.ok) throw new Error(await response.text());
  return (await response.json()) as CheckReport;
}

const idsOf = (report: CheckReport): readonly string[] =>
  report.findings.filter((finding) => finding.severity !== "note").map((finding) => finding.id);

it.for(PAIRS.map((pair) => [`${pair.language}: ${pair.rule}`, pair] as const))("%s", async ([, pair], { expect }) => {
  const broken = await check(await published.get(key(pair, "broken")), eventOf(pair));
  expect(idsOf(broken), JSON.stringify(broken.findings, null, 1)).toEqual(pair.found);
  expect(broken.verdict.status).toBe("findings");
  const fixed = await check(await published.get(key(pair, "fixed")), eventOf(pair));
  expect(
    fixed.findings.map((finding) => finding.id),
    JSON.stringify(fixed, null, 1),
  ).toEqual(pair.fixedNotes ?? []);
  expect(fixed.verdict.status).toBe("good");
});

/** Silent where it must be, and the report says what it can't see. */
it.for(UNSEEN.map((pair) => [`${pair.language}: ${pair.rule}: ${pair.reason}`, pair] as const))(
  "does not see %s",
  async ([, pair], { expect }) => {
    const target = await publish(
      new TestFunctions(server as ThawServer),
      packages as PairPackages,
      pair,
      "broken",
      `unseen-${UNSEEN.indexOf(pair)}`,
    );
    const report = await check(target, eventOf(pair));
    expect(idsOf(report), JSON.stringify(report.findings, null, 1)).toEqual([]);
    const limits = report.limits.join("\n");
    for (const said of [
      "products are different each time",
      "A password has no form",
      "not used for this event",
      "only a server outside gets",
      "host name",
    ])
      expect(limits).toContain(said);
  },
);
