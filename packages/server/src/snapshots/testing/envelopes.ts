/** Manifests as the far store's machinery sees them: a clear part with names, and something sealed. */
import { createHash } from "node:crypto";
import { SNAPSHOT_FORMAT } from "../format/envelope.ts";

export function manifestOf(snapshot: string, names: readonly string[], generation = 0): Buffer {
  const header = {
    snapshot,
    fingerprint: "f",
    engine: "criu",
    uid: 1,
    createdAtMs: 1,
    generation,
    earlyChunks: 0,
    memoryPages: 1,
    storedPages: 1,
    imageBytes: 1,
    diskBytes: 1,
  };
  const json = Buffer.from(JSON.stringify(header));
  const fixed = Buffer.alloc(36);
  fixed.write("THAWSNAP");
  for (const [index, number] of [SNAPSHOT_FORMAT, json.length, names.length * 32, 40].entries())
    fixed.writeUInt32LE(number, 8 + index * 4);
  return Buffer.concat([fixed, json, Buffer.from(names.join(""), "hex"), Buffer.alloc(40, generation + 1)]);
}

/** A chunk's file with its name. */
export function chunkOf(content: string): { readonly name: string; readonly file: Buffer } {
  const file = Buffer.from(content);
  return { name: createHash("sha256").update(file).digest("hex"), file };
}
