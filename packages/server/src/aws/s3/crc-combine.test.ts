import fc from "fast-check";
import { expect, it } from "vitest";
import { digestOf } from "../../base/digests.ts";
import { systemClock } from "../../base/clock.ts";
import { inTurns } from "../../base/turns.ts";
import { combineCrcs } from "./crc-combine.ts";

fc.configureGlobal({ seed: 1 });

it.for(["CRC32", "CRC32C", "CRC64NVME"] as const)("%s of the parts gives that of the whole", async (algorithm) => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 200 }), { minLength: 1, maxLength: 6 }), async (parts) => {
      const sized = await Promise.all(
        parts.map(async (part) => ({ value: await digestOf(algorithm, part), sizeBytes: part.length })),
      );
      expect(await inTurns(systemClock, combineCrcs(algorithm, sized))).toBe(
        await digestOf(algorithm, Buffer.concat(parts)),
      );
    }),
  );
});

it("each part is a step of its own", () => {
  const parts = Array.from({ length: 1000 }, (_, at) => ({ value: "AAAAAA==", sizeBytes: at }));
  const steps = combineCrcs("CRC32", parts);
  let stepCount = 0;
  while (steps.next().done !== true) stepCount++;
  expect(stepCount).toBe(1000);
});
