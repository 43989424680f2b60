/** Events of buckets are delivered at least once, wherever the server ends between the write and the function. */
import { expect, it, onTestFinished } from "vitest";
import { ACCOUNT, FUNCTION_ARN, noting } from "./events-harness.ts";
import { ControlHarness } from "./harness.ts";
import { openTestObjects } from "./test-objects.ts";

const BUCKET = "things";
const STEPS_MAX = 200;
const KEYS = Array.from({ length: 2 }, (_, index) => `k${index}`);

async function begin(crashesAt: (step: string) => boolean) {
  const { objects } = openTestObjects();
  const { seen, functions } = noting();
  const harness = await ControlHarness.start({ functions, services: { objects }, crashesAt, parentDir: "/dev/shm" });
  onTestFinished(() => harness.end());
  await harness.create("note", "note", { snapStart: false });
  await harness.call("AddPermission", {
    FunctionName: "note",
    StatementId: "s3",
    Action: "lambda:InvokeFunction",
    Principal: "s3.amazonaws.com",
    SourceAccount: ACCOUNT,
  });
  const rule = {
    id: "one",
    kind: "LambdaFunction" as const,
    arn: `${FUNCTION_ARN}note`,
    events: ["s3:ObjectCreated:*"],
    prefix: null,
    suffix: null,
  };
  const notifications = { rules: [rule], isToBus: false };
  await objects.createBucket({
    name: BUCKET,
    accountId: ACCOUNT,
    region: "us-east-1",
    createdMs: 0,
    versioning: null,
    configurations: {},
    notifications,
  });
  return { objects, harness, seen };
}

/** Writes, with a server that ends at its step number `crashAt` outward; gives the number of steps. */
async function writeAndCrash(crashAt: number): Promise<number> {
  let count = 0;
  let isCounting = false;
  const { objects, harness, seen } = await begin(() => isCounting && ++count === crashAt);
  isCounting = true;
  for (const key of KEYS) {
    const content = await objects.receive(
      (async function* () {
        yield Buffer.from(key);
      })(),
      { algorithms: [], sizeBytesMax: 100 },
    );
    const cause = { name: "ObjectCreated:Put", requestId: key, sourceIp: "", userId: "u", traceId: null } as const;
    const facts = { headers: {}, metadata: {}, tags: [] };
    await objects.put({ bucket: BUCKET, key, facts, checksum: null, conditions: {}, cause }, content);
  }
  await harness.advance(0);
  isCounting = false;
  if (harness.isOver) {
    harness.crash();
    await harness.start();
    // The function may have been under way.
    await harness.advance(1000);
  }
  await harness.advance(0);
  const got = seen.map(
    ({ Records }) => (Records as ReadonlyArray<{ s3: { object: { key: string } } }>)[0]?.s3.object.key,
  );
  expect(new Set(got)).toEqual(new Set(KEYS));
  expect(await objects.events.list(10)).toEqual([]);
  expect(harness.problems).toEqual([]);
  return count;
}

it("each event comes to the function, at whichever step the server ends", async () => {
  const steps = await writeAndCrash(0);
  expect(steps).toBeGreaterThan(5);
  expect(steps).toBeLessThan(STEPS_MAX);
  for (let step = 1; step <= steps; step += 2) await writeAndCrash(step);
});
