/** A day in the life of environments, on a clock that the test moves. */
import { expect, test } from "vitest";
import { json, WorkerHarness } from "./harness.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** Less than the time after which an idle environment ends. */
const BETWEEN_INVOKES_MS = 4 * MINUTE_MS;
const INVOKES = DAY_MS / BETWEEN_INVOKES_MS;

interface Credentials {
  readonly AccessKeyId: string;
  readonly Expiration: string;
}

/** A function that asks for its credentials in each invoke, as AWS's SDKs do through their provider. */
function asks(limits: ConstructorParameters<typeof WorkerHarness>[1] = {}): WorkerHarness {
  return new WorkerHarness(
    {
      handle: async (process) => {
        const Authorization = process.env["AWS_CONTAINER_AUTHORIZATION_TOKEN"] ?? "";
        return (await process.call("GET", "/2021-04-23/credentials", "", { Authorization })).body;
      },
    },
    limits,
  );
}

test("a clone that lives all day: credentials are renewed before they end, and it is frozen between invokes", async () => {
  const harness = asks({ limits: { lifetimeMsMax: 2 * DAY_MS } });
  const { restorable } = await harness.publish();
  const published = harness.engine.steps.length;
  const keys = new Set<string>();
  const environments = new Set<string>();
  for (let invoke = 0; invoke < INVOKES; invoke++) {
    const answer = await harness.invokeOk(restorable);
    const { AccessKeyId, Expiration } = json(answer) as Credentials;
    expect(Date.parse(Expiration) - harness.clock.nowMs()).toBeGreaterThan(BETWEEN_INVOKES_MS);
    keys.add(AccessKeyId);
    environments.add(answer.environmentId);
    await harness.clock.advance(BETWEEN_INVOKES_MS);
  }
  expect([environments.size, harness.engine.live.size]).toEqual([1, 1]);
  // They are good for twelve hours.
  expect(keys.size).toBe(3);
  const states = harness.engine.steps.slice(published).map((step) => step.split(" ")[0]);
  const frozen = states.filter((step) => step === "freeze" || step === "thaw");
  expect(frozen).toHaveLength(2 * INVOKES - 1);
  expect(frozen.every((step, index) => step === (index % 2 === 0 ? "freeze" : "thaw"))).toBe(true);

  await harness.clock.advance(5 * MINUTE_MS);
  expect([harness.engine.live.size, (await harness.worker.report()).environments]).toEqual([0, []]);
  await harness.end();
});

test.for([
  ["on demand", false],
  ["clones", true],
] as const)("%s: one after the other serves for four hours, and leaves nothing", async ([, isClone]) => {
  const harness = asks();
  const version = isClone ? (await harness.publish()).restorable : {};
  const environments = new Map<string, { readonly firstMs: number; lastMs: number }>();
  for (let invoke = 0; invoke < INVOKES; invoke++) {
    const { environmentId } = await harness.invokeOk(version);
    const nowMs = harness.clock.nowMs();
    const seen = environments.get(environmentId) ?? { firstMs: nowMs, lastMs: nowMs };
    environments.set(environmentId, Object.assign(seen, { lastMs: nowMs }));
    expect([harness.engine.live.size, harness.problems]).toEqual([1, []]);
    await harness.clock.advance(BETWEEN_INVOKES_MS);
  }
  expect(environments.size).toBe(6);
  for (const { firstMs, lastMs } of environments.values()) expect(lastMs - firstMs).toBeLessThan(4 * HOUR_MS);
  await harness.clock.advance(5 * MINUTE_MS);
  expect(harness.engine.live.size).toBe(0);
  // One log stream each, and the one of Init at publish.
  expect(new Set(harness.logs.events.map(({ logStream }) => logStream)).size).toBe(isClone ? 7 : 6);
  await harness.end();
});
