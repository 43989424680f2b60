import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EARLY_PART_SIZE_BYTES, EARLY_PARTS_MAX, packEarlyParts, readEarlyPart } from "./early-parts.ts";

fc.configureGlobal({ seed: 1 });

describe("early parts", () => {
  it("give the files back in their order, each part no larger than a reader asks for", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 600_000 }), { maxLength: 30 }), (sizes) => {
        const files = sizes.map((size, index) => Buffer.alloc(size, index + 1));
        const parts = packEarlyParts(files);
        const read = parts.map(readEarlyPart);
        expect(Buffer.concat(read.flatMap((part) => part.files)).equals(Buffer.concat(files))).toBe(true);
        for (const part of read) expect(part.parts).toBe(parts.length);
        for (const part of parts) expect(part.length).toBeLessThanOrEqual(EARLY_PART_SIZE_BYTES);
      }),
      { numRuns: 20 },
    );
  });

  it("end at a number that a reader asks for", () => {
    const parts = packEarlyParts(
      Array.from({ length: EARLY_PARTS_MAX + 3 }, () => Buffer.alloc(EARLY_PART_SIZE_BYTES - 8)),
    );
    expect(parts.length).toBe(EARLY_PARTS_MAX);
    expect(readEarlyPart(parts[0] ?? Buffer.alloc(0))).toMatchObject({ parts: EARLY_PARTS_MAX });
  });

  it("are read as far as they can be, whatever they hold", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const { parts, files } = readEarlyPart(Buffer.from(bytes));
        expect(parts).toBeLessThanOrEqual(EARLY_PARTS_MAX);
        expect(files.reduce((sum, file) => sum + file.length, 0)).toBeLessThanOrEqual(bytes.length);
      }),
    );
  });
});
