import fc from "fast-check";
import { createCipheriv, type CipherGCM } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  chunkNameOf,
  clearSizeOf,
  isChunkName,
  openEnvelope,
  readClear,
  readManifestHeader,
  SNAPSHOT_FORMAT,
  SnapshotDamagedError,
} from "./envelope.ts";
import { chunkKeyOf, openChunk, openFrame, openManifest, openWorkingSet } from "./sealed-files.ts";

fc.configureGlobal({ seed: 1 });

const VECTORS = join(import.meta.dirname, "../../../../../docs/formats/vectors");
const read = (name: string): Buffer => readFileSync(join(VECTORS, name));
const vectors = JSON.parse(read("vectors.json").toString()) as {
  readonly dataKey: string;
  readonly chunkSecret: string;
  readonly manifest: Record<string, unknown> & {
    readonly chunks: ReadonlyArray<{ readonly key: string; readonly name: string }>;
  };
  readonly workingSet: unknown;
  readonly chunkContents: readonly string[];
};
const dataKey = Buffer.from(vectors.dataKey, "hex");
const { clocks: _clocks, ...expected } = vectors.manifest;

/** In the vectors' own form. */
function toPlain(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, function (this: Record<string, unknown>, key: string, each: unknown) {
      const raw = this[key];
      if (typeof each === "bigint") return `0x${each.toString(16)}`;
      return Buffer.isBuffer(raw) ? raw.toString("hex") : each;
    }),
  );
}

/** Refused, and never by another error. */
function isRefused(run: () => unknown): boolean {
  try {
    run();
    return false;
  } catch (error) {
    if (error instanceof SnapshotDamagedError) return true;
    throw error;
  }
}

function seal(header: Buffer, names: Buffer, secret: Buffer): Buffer {
  const fixed = Buffer.alloc(36);
  fixed.write("THAWSNAP");
  [SNAPSHOT_FORMAT, header.length, names.length, secret.length + 16].forEach((number, index) =>
    fixed.writeUInt32LE(number, 8 + index * 4),
  );
  const clear = Buffer.concat([fixed, header, names]);
  const cipher = createCipheriv("aes-256-gcm", dataKey, fixed.subarray(24, 36)) as CipherGCM;
  cipher.setAAD(clear);
  return Buffer.concat([clear, cipher.update(secret), cipher.final(), cipher.getAuthTag()]);
}

describe("the vectors that sandboxd's side wrote", () => {
  it("manifest", () => {
    expect(toPlain(openManifest(dataKey, read("manifest")))).toMatchObject(expected);
  });

  it("the clear part alone, from a file's first bytes", () => {
    const file = read("manifest");
    const start = file.subarray(0, clearSizeOf(file.subarray(0, 36)));
    expect(readManifestHeader(readClear(start))).toEqual(expected["header"]);
  });

  it("working set", () => {
    expect(toPlain(openWorkingSet(dataKey, read("working-set")))).toEqual(vectors.workingSet);
  });

  it("chunks: content, key and name", () => {
    openManifest(dataKey, read("manifest")).chunks.forEach((chunk, number) => {
      const file = read(`chunk-${number}`);
      expect(openChunk(chunk, file).toString("hex")).toBe(vectors.chunkContents[number]);
      expect(chunkKeyOf(Buffer.from(vectors.chunkSecret, "hex"), openFrame(chunk, file)).toString("hex")).toBe(
        vectors.manifest.chunks[number]?.key,
      );
      expect(isChunkName(chunkNameOf(file))).toBe(true);
      expect(chunkNameOf(file)).toBe(vectors.manifest.chunks[number]?.name);
    });
  });
});

describe("a changed file is refused", () => {
  const readers = { manifest: openManifest, "working-set": openWorkingSet };
  it.each(["manifest", "working-set"] as const)("%s: every bit, every length, another key", (name) => {
    const file = read(name);
    const open = readers[name];
    for (let bit = 0; bit < file.length * 8; bit++) {
      const changed = Buffer.from(file);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(
        isRefused(() => open(dataKey, changed)),
        `bit ${bit}`,
      ).toBe(true);
    }
    for (let length = 0; length < file.length; length++)
      expect(isRefused(() => open(dataKey, file.subarray(0, length)))).toBe(true);
    expect(isRefused(() => open(Buffer.alloc(32), file))).toBe(true);
    expect(isRefused(() => open(dataKey, Buffer.concat([file, Buffer.alloc(1)])))).toBe(true);
  });

  it("a chunk: every bit of a small one, and another chunk in its place", () => {
    const { chunks } = openManifest(dataKey, read("manifest"));
    const [first, second] = chunks;
    if (first === undefined || second === undefined) throw new Error("the vectors have two chunks");
    const file = read("chunk-1");
    for (let bit = 0; bit < file.length * 8; bit++) {
      const changed = Buffer.from(file);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(isRefused(() => openChunk(second, changed))).toBe(true);
    }
    expect(isRefused(() => openChunk(first, file))).toBe(true);
    expect(isRefused(() => openChunk(second, file.subarray(1)))).toBe(true);
  });
});

describe("any bytes are read or refused, never another error", () => {
  const header = Buffer.from(JSON.stringify(expected["header"]));

  it("as a file", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
        const start = Buffer.from(bytes);
        for (const file of [start, Buffer.concat([Buffer.from("THAWSNAP\x03\0\0\0", "latin1"), start])]) {
          expect(isRefused(() => openEnvelope(dataKey, file))).toBe(true);
          isRefused(() => readManifestHeader(readClear(file)));
        }
      }),
    );
  });

  it("as what a key's owner sealed", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        fc.json(),
        fc.integer({ min: 0, max: 3 }),
        (tables, json, count) => {
          const size = Buffer.alloc(4);
          size.writeUInt32LE(json.length);
          const secret = Buffer.concat([size, Buffer.from(json, "latin1"), Buffer.from(tables)]);
          for (const each of [secret, Buffer.from(tables)]) {
            isRefused(() => openManifest(dataKey, seal(header, Buffer.alloc(32 * count), each)));
            isRefused(() => openWorkingSet(dataKey, seal(header, Buffer.alloc(0), each)));
          }
        },
      ),
    );
  });

  it("as a manifest with changed tables: refused, or every reference is within its chunk", () => {
    const { clear, secret } = openEnvelope(dataKey, read("manifest"));
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(secret.length - 1), fc.nat(255)), { minLength: 1, maxLength: 5 }),
        (changes) => {
          const changed = Buffer.from(secret);
          for (const [at, byte] of changes) changed[at] = byte;
          isRefused(() => {
            const manifest = openManifest(dataKey, seal(header, Buffer.from(clear.names), changed));
            for (const { place, pages } of manifest.spaces.flatMap((space) => space.runs)) {
              if (place !== null)
                expect((place.slot + pages) * 4096).toBeLessThanOrEqual(manifest.chunks[place.chunk]?.sizeBytes ?? 0);
            }
          });
        },
      ),
    );
  });

  it("as a header", () => {
    fc.assert(
      fc.property(
        fc.json(),
        (json) =>
          void isRefused(() =>
            readManifestHeader(readClear(seal(Buffer.from(json), Buffer.alloc(0), Buffer.alloc(0)))),
          ),
      ),
    );
  });
});
