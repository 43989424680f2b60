/**
 * What the way to a worker on another host costs: warm invokes of a worker of this process, and of the same worker over
 * the loopback with mutual TLS, in turns. `node tests/bench/remote-worker.ts [ROUNDS]`
 */
import type { Worker } from "@thaw/server/testing/ports";
import { WorkerHarness } from "../worker/harness.ts";
import { remote } from "../worker/remote.ts";

const INVOKES = 250;
const PAYLOADS = { "2 bytes": 2, "256 KiB": 256 * 1024, "6 MiB": 6 * 2 ** 20 };

/** Median of warm invokes: between two of them the environment comes to rest. */
async function invokeMs(worker: Worker, harness: WorkerHarness, payload: Buffer, count: number): Promise<number> {
  const eachMs: number[] = [];
  for (let at = 0; at < count; at++) {
    const startMs = performance.now();
    const outcome = await worker.invoke(harness.version(), harness.input({ payload }));
    if (outcome.kind !== "response") throw new Error(`not a response: ${JSON.stringify(outcome)}`);
    const answer = await outcome.payload.collect(payload.length);
    eachMs.push(performance.now() - startMs);
    if (answer.length !== payload.length) throw new Error(`${answer.length} bytes`);
    // Calls of a runtime are counted by the time in which they come.
    await harness.clock.advance(1000);
  }
  return median(eachMs);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

async function main(rounds: number): Promise<void> {
  const harness = new WorkerHarness({ handle: (_process, { payload }) => payload });
  const host = await remote(harness.worker);
  process.stdout.write("payload and response: here, on another host, the difference (ms, medians of rounds)\n");
  for (const [name, sizeBytes] of Object.entries(PAYLOADS)) {
    const payload = Buffer.alloc(sizeBytes, "x");
    const count = sizeBytes > 2 ** 20 ? INVOKES / 25 : INVOKES;
    const here: number[] = [];
    const there: number[] = [];
    for (let round = 0; round < rounds; round++) {
      here.push(await invokeMs(harness.worker, harness, payload, count));
      there.push(await invokeMs(host.worker, harness, payload, count));
    }
    const [hereMs, thereMs] = [median(here), median(there)];
    process.stdout.write(`${name}: ${[hereMs, thereMs, thereMs - hereMs].map((each) => each.toFixed(3)).join(", ")}\n`);
  }
  await host.end();
  await harness.end();
}

await main(Number(process.argv[2] ?? 9));
