import fc from "fast-check";
import { expect, it } from "vitest";
import { digestOf } from "../../base/digests.ts";
import { combineCrcs } from "./crc-combine.ts";

fc.configureGlobal({ seed: 1 });

it.for(["CRC32", "CRC32C", "CRC64NVME"] as const)("%s of the parts gives that of the whole", async (algorithm) => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 200 }), { minLength: 1, maxLength: 6 }), async (parts) => {
      const sized = await Promise.all(
        parts.map(async (part) => ({ value: await digestOf(algorithm, part), sizeBytes: part.length })),
      );
      expect(combineCrcs(algorithm, sized)).toBe(await digestOf(algorithm, Buffer.concat(parts)));
    }),
  );
});
