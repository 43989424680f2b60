/**
 * The envelope's reader: what was sealed comes back, and nothing that was changed is taken. Written here as
 * crates/snapshot writes it.
 */
import fc from "fast-check";
import { createCipheriv, type CipherGCM, randomBytes } from "node:crypto";
import { it } from "vitest";
import {
  chunkNamesOf,
  clearSizeOf,
  openEnvelope,
  readClear,
  readManifestHeader,
  readWorkingSetHeader,
  SNAPSHOT_FORMAT,
  SnapshotDamagedError,
} from "./envelope.ts";

fc.configureGlobal({ seed: 1 });

const KEY = Buffer.alloc(32, 3);
const HEADER = {
  snapshot: "snap-1",
  fingerprint: "f",
  engine: "criu",
  uid: 1,
  createdAtMs: 2,
  generation: 3,
  earlyChunks: 0,
  memoryPages: 4,
  storedPages: 5,
  imageBytes: 6,
  diskBytes: 7,
};

function seal(key: Buffer, header: Buffer, names: Buffer, secret: Buffer): Buffer {
  const fixed = Buffer.alloc(36);
  fixed.write("THAWSNAP");
  for (const [index, number] of [SNAPSHOT_FORMAT, header.length, names.length, secret.length + 16].entries())
    fixed.writeUInt32LE(number, 8 + index * 4);
  const nonce = randomBytes(12);
  nonce.copy(fixed, 24);
  const clear = Buffer.concat([fixed, header, names]);
  const cipher = createCipheriv("aes-256-gcm", key, nonce) as CipherGCM;
  cipher.setAAD(clear);
  return Buffer.concat([clear, cipher.update(secret), cipher.final(), cipher.getAuthTag()]);
}

it("gives back what was sealed", ({ expect }) => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 200 }),
      fc.array(fc.uint8Array({ minLength: 32, maxLength: 32 }), { maxLength: 20 }),
      fc.uint8Array({ maxLength: 2000 }),
      (header, names, secret) => {
        const file = seal(KEY, Buffer.from(header), Buffer.concat(names), Buffer.from(secret));
        const { clear, secret: opened } = openEnvelope(KEY, file);
        expect(clear.header).toEqual(Buffer.from(header));
        expect(chunkNamesOf(clear)).toEqual(names.map((name) => Buffer.from(name).toString("hex")));
        expect(opened).toEqual(Buffer.from(secret));
        const size = clearSizeOf(file.subarray(0, 36));
        expect(chunkNamesOf(readClear(file.subarray(0, size)))).toEqual(chunkNamesOf(clear));
      },
    ),
  );
});

it("takes no flipped bit, no cut, no other key", ({ expect }) => {
  const file = seal(KEY, Buffer.from(JSON.stringify(HEADER)), Buffer.alloc(64, 9), Buffer.from("secret"));
  expect(readManifestHeader(openEnvelope(KEY, file).clear)).toEqual(HEADER);
  expect(() => openEnvelope(Buffer.alloc(32, 4), file)).toThrow(SnapshotDamagedError);
  for (let bit = 0; bit < file.length * 8; bit++) {
    const changed = Buffer.from(file);
    changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
    expect(() => openEnvelope(KEY, changed), `bit ${bit}`).toThrow(SnapshotDamagedError);
  }
  for (let length = 0; length < file.length; length++)
    expect(() => openEnvelope(KEY, file.subarray(0, length)), `cut to ${length}`).toThrow(SnapshotDamagedError);
  expect(() => openEnvelope(KEY, Buffer.concat([file, Buffer.alloc(1)]))).toThrow(SnapshotDamagedError);
});

it("takes any bytes for damaged, and throws nothing else", ({ expect }) => {
  const start = Buffer.from("THAWSNAP\u0002\0\0\0");
  const any = fc.uint8Array({ maxLength: 4000 }).map((bytes) => Buffer.from(bytes));
  fc.assert(
    fc.property(
      fc.oneof(
        any,
        any.map((rest) => Buffer.concat([start, rest])),
      ),
      (bytes) => {
        expect(() => openEnvelope(KEY, bytes)).toThrow(SnapshotDamagedError);
        try {
          readManifestHeader(readClear(bytes));
        } catch (error) {
          expect(error).toBeInstanceOf(SnapshotDamagedError);
        }
      },
    ),
  );
});

it("tells a manifest from a working set", ({ expect }) => {
  const manifest = readClear(seal(KEY, Buffer.from(JSON.stringify(HEADER)), Buffer.alloc(0), Buffer.alloc(0)));
  const set = readClear(
    seal(KEY, Buffer.from('{"snapshot":"snap-1","recordings":2}'), Buffer.alloc(0), Buffer.alloc(0)),
  );
  expect(readWorkingSetHeader(set)).toEqual({ snapshot: "snap-1", recordings: 2 });
  expect(() => readWorkingSetHeader(manifest)).toThrow(SnapshotDamagedError);
  expect(() => readManifestHeader(set)).toThrow(SnapshotDamagedError);
  for (const text of ["null", "{", "3", '"x"'])
    expect(() => readManifestHeader(readClear(seal(KEY, Buffer.from(text), Buffer.alloc(0), Buffer.alloc(0))))).toThrow(
      SnapshotDamagedError,
    );
});
