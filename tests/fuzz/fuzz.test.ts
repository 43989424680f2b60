/** A short run of the fuzzing, always with the same requests; `npm run fuzz` is the long one. */
import { GetAccountSettingsCommand } from "@aws-sdk/client-lambda";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { TestFunctions } from "../support/functions.ts";
import { inCrowd } from "./crowd.ts";
import { Fuzzer } from "./fuzzer.ts";

const MIB = 1024 * 1024;
/** The budget of all bodies is 256 MiB; the rest is the server's own. */
const PEAK_MIB_MAX = 1024;

let server: ThawServer;
beforeAll(async () => {
  server = await startThaw();
});
afterAll(() => server.remove());

it("no made request is answered with 5xx, or not at all", async () => {
  const fuzzer = await Fuzzer.start(server);
  await fuzzer.run([1, 2], 600);
  const { findings, sent } = fuzzer.result;
  expect(findings).toEqual([]);
  expect(sent).toBe(1200);
  expect(fuzzer.peakMib()).toBeLessThan(PEAK_MIB_MAX);
  fuzzer.end();
});

it("idle connections, unsigned bodies and slow clients do not keep a normal one from its answer", async () => {
  const wish = { idle: 500, large: 50, largeBytes: 5 * MIB };
  const { AccountUsage } = await inCrowd(server.endpoint, wish, () =>
    new TestFunctions(server).lambda.send(new GetAccountSettingsCommand({})),
  );
  expect(AccountUsage?.FunctionCount).toBeGreaterThan(0);
});
