/**
 * Copies of the chunks that a restore needs before its first response, many in one object: a host that has nothing asks
 * the far store a few times and not once for each. Only a help: what they lack, or have wrong, comes by its name.
 *
 * ```text
 * early-N:   4  number of these objects (LE)      then for each chunk   4  size of its file (LE)      …  the file
 * ```
 * The chunks follow one another as in the manifest. Nothing of it is trusted: each file is checked by its name.
 */
export const EARLY_PART_SIZE_BYTES = 2 * 1024 * 1024;
/** Largest number of parts: no reader asks for more. */
export const EARLY_PARTS_MAX = 16;

/** Packs files one after the other; those beyond the limit are left out. */
export function packEarlyParts(files: readonly Buffer[]): readonly Buffer[] {
  const parts: Buffer[][] = [];
  let size = Number.POSITIVE_INFINITY;
  for (const file of files) {
    if (size + 4 + file.length > EARLY_PART_SIZE_BYTES) {
      if (parts.length === EARLY_PARTS_MAX) break;
      parts.push([]);
      size = 4;
    }
    parts.at(-1)?.push(toBytes(file.length), file);
    size += 4 + file.length;
  }
  return parts.map((pieces) => Buffer.concat([toBytes(parts.length), ...pieces]));
}

export interface EarlyPart {
  /** Number of parts, at most EARLY_PARTS_MAX. */
  readonly parts: number;
  readonly files: readonly Buffer[];
}

/** Reads a part as far as that goes: its bytes are foreign. */
export function readEarlyPart(part: Buffer): EarlyPart {
  if (part.length < 4) return { parts: 0, files: [] };
  const files: Buffer[] = [];
  for (let at = 4; at + 4 <= part.length; ) {
    const size = part.readUInt32LE(at);
    if (size === 0 || at + 4 + size > part.length) break;
    files.push(part.subarray(at + 4, at + 4 + size));
    at += 4 + size;
  }
  return { parts: Math.min(part.readUInt32LE(0), EARLY_PARTS_MAX), files };
}

function toBytes(number: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(number);
  return bytes;
}
