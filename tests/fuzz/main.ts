/**
 * `npm run fuzz -- [MINUTES] [SEED]`: structured fuzzing of a real server's listener, ten minutes unless told
 * otherwise. Prints what it found; the exit code is 1 where that is something. docs/reference/fuzzing.md has results.
 */
import { parseArgs } from "node:util";
import { GetAccountSettingsCommand } from "@aws-sdk/client-lambda";
import { startThaw } from "../../tools/thaw-server.ts";
import { TestFunctions } from "../support/functions.ts";
import { inCrowd } from "./crowd.ts";
import { Fuzzer } from "./fuzzer.ts";

const EACH = 500;
const REQUEST_MS_MAX = 2000;
const PEAK_MIB_MAX = 1024;
const IDLE = 2000;
const LARGE = 100;
const LARGE_BYTES = 5 * 1024 * 1024;
const ASKED = 50;

const { positionals } = parseArgs({ allowPositionals: true });
const [minutes = 10, firstSeed = Date.now() % 2 ** 31] = positionals.map(Number);
const server = await startThaw();
const problems: string[] = [];
try {
  const fuzzer = await Fuzzer.start(server);
  const deadline = Date.now() + minutes * 60_000;
  function* seeds(): Generator<number> {
    for (let seed = firstSeed; Date.now() < deadline; seed++) yield seed;
  }
  await fuzzer.run(seeds(), EACH);
  const { sent, byStatus, findings, slowest } = fuzzer.result;
  const peak = fuzzer.peakMib();
  process.stdout.write(`${sent} requests from seed ${firstSeed} on: ${JSON.stringify(byStatus)}\n`);
  process.stdout.write(`slowest: ${slowest[0].toFixed(0)} ms, ${slowest[1].slice(0, 300)}\n`);
  process.stdout.write(`most memory of the server: ${peak.toFixed(0)} MiB\n`);
  problems.push(...findings.map(({ seed, what }) => `seed ${seed}: ${what}`));
  if (slowest[0] > REQUEST_MS_MAX) problems.push(`a request took ${slowest[0].toFixed(0)} ms: ${slowest[1]}`);
  if (peak > PEAK_MIB_MAX) problems.push(`the server has had ${peak.toFixed(0)} MiB`);
  process.stdout.write(
    `beside ${IDLE} idle connections, ${LARGE} unsigned bodies and a slow client: ${await crowded()}\n`,
  );
  process.stdout.write(`most memory of the server after these: ${fuzzer.peakMib().toFixed(0)} MiB\n`);
  fuzzer.end();
} finally {
  await server.remove();
}
for (const problem of problems.slice(0, 100)) process.stdout.write(`${problem}\n`);
process.stdout.write(`${problems.length} problems\n`);
process.exitCode = problems.length === 0 ? 0 : 1;

/** The times of normal requests in such company. */
function crowded(): Promise<string> {
  const { lambda } = new TestFunctions(server);
  return inCrowd(server.endpoint, { idle: IDLE, large: LARGE, largeBytes: LARGE_BYTES }, async () => {
    const times: number[] = [];
    for (let asked = 0; asked < ASKED; asked++) {
      const begin = performance.now();
      await lambda.send(new GetAccountSettingsCommand({}));
      times.push(performance.now() - begin);
    }
    const worst = Math.max(...times);
    if (worst > REQUEST_MS_MAX) problems.push(`a normal request took ${worst.toFixed(0)} ms in a crowd`);
    return `${ASKED} normal requests, the slowest ${worst.toFixed(0)} ms`;
  });
}
