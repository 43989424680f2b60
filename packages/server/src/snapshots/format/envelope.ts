/**
 * The envelope of a snapshot's own files (manifest, working set): a clear part that anyone may read, and a part sealed
 * under the snapshot's data key; both are authenticated together. Byte tables: docs/formats/snapshot.md; written by
 * crates/snapshot.
 *
 * ```text
 *  0  8  magic "THAWSNAP"     16  4  size of the names, bytes      36      header (JSON)
 *  8  4  format (LE)          20  4  size of the sealed part        …      names of chunks, 32 bytes each
 * 12 4 size of the header 24 12 nonce … AES-256-GCM(data key, nonce, aad: all before), tag ```
 */
import { createDecipheriv, createHash, type DecipherGCM } from "node:crypto";
import { ThawError } from "../../model/platform-errors.ts";

const MAGIC = Buffer.from("THAWSNAP");
/**
 * Raised whenever what a snapshot holds changes in a way that one of the two Thaws, old and new, could not restore the
 * other's.
 */
export const SNAPSHOT_FORMAT = 6;
const FIXED_SIZE_BYTES = 36;
const NONCE_AT = 24;
export const TAG_SIZE_BYTES = 16;
const NAME_SIZE_BYTES = 32;
const HEADER_SIZE_BYTES_MAX = 64 * 1024;
/** Largest size of a manifest or a working set. */
export const ENVELOPE_SIZE_BYTES_MAX = 256 * 1024 * 1024;
/** Largest size of a chunk's file: 512 KiB of content, Zstandard's addition where it does not compress, and the tag. */
export const CHUNK_FILE_SIZE_BYTES_MAX = 512 * 1024 + 2048 + TAG_SIZE_BYTES;

/** Error of foreign bytes that were changed, cut short, are of another format, or sealed under another key. */
export class SnapshotDamagedError extends ThawError {
  constructor(why: string) {
    super("SANDBOX_SNAPSHOT_DAMAGED", { detail: { why } });
  }
}

/** Clear part of an envelope. Not authenticated before `openEnvelope`. */
export interface EnvelopeClear {
  readonly header: Buffer;
  /** Names of chunks one after the other, 32 bytes each. */
  readonly names: Buffer;
  readonly sealedAt: number;
  readonly fileSizeBytes: number;
}

/** Header of a manifest, as in crates/snapshot/src/manifest.rs. */
export interface ManifestHeader {
  readonly snapshot: string;
  readonly fingerprint: string;
  /** Name of the engine that took the snapshot; no other one can restore it. */
  readonly engine: string;
  readonly uid: number;
  readonly createdAtMs: number;
  /** Number of times that the chunks were laid out anew. */
  readonly generation: number;
  /** Number of chunks, the first ones, that are needed before the first response. */
  readonly earlyChunks: number;
  readonly memoryPages: number;
  readonly storedPages: number;
  readonly imageBytes: number;
  readonly diskBytes: number;
}

/** Reads from a file's first bytes where the clear part ends. Throws SnapshotDamagedError. */
export function clearSizeOf(start: Buffer): number {
  return readSizes(start).sealedAt;
}

/**
 * Reads the clear part of a file or of its first bytes (`clearSizeOf` says how many are needed). Throws
 * SnapshotDamagedError.
 */
export function readClear(start: Buffer): EnvelopeClear {
  const { namesAt, sealedAt, fileSizeBytes } = readSizes(start);
  if (start.length < sealedAt || start.length > fileSizeBytes)
    throw new SnapshotDamagedError("it was cut short or grew");
  return {
    header: start.subarray(FIXED_SIZE_BYTES, namesAt),
    names: start.subarray(namesAt, sealedAt),
    sealedAt,
    fileSizeBytes,
  };
}

/** Lists the names of chunks as 64 hexadecimal digits each. */
export function chunkNamesOf(clear: EnvelopeClear): string[] {
  const names: string[] = [];
  for (let at = 0; at < clear.names.length; at += NAME_SIZE_BYTES)
    names.push(clear.names.toString("hex", at, at + NAME_SIZE_BYTES));
  return names;
}

export function readManifestHeader(clear: EnvelopeClear): ManifestHeader {
  const header = parseHeader(clear);
  const numbers = [
    "uid",
    "createdAtMs",
    "generation",
    "earlyChunks",
    "memoryPages",
    "storedPages",
    "imageBytes",
    "diskBytes",
  ];
  const isWhole =
    typeof header["snapshot"] === "string" &&
    typeof header["fingerprint"] === "string" &&
    typeof header["engine"] === "string" &&
    numbers.every((name) => Number.isSafeInteger(header[name]));
  if (!isWhole) throw new SnapshotDamagedError("its header is not that of a manifest");
  return header as unknown as ManifestHeader;
}

/**
 * Reads the header of a working set: its snapshot, and the number of recordings that were merged. Throws
 * SnapshotDamagedError.
 */
export function readWorkingSetHeader(clear: EnvelopeClear): { readonly snapshot: string; readonly recordings: number } {
  const header = parseHeader(clear);
  if (typeof header["snapshot"] !== "string" || !Number.isSafeInteger(header["recordings"]))
    throw new SnapshotDamagedError("its header is not that of a working set");
  return { snapshot: header["snapshot"], recordings: header["recordings"] as number };
}

/** Authenticates the whole file, and opens its sealed part. `dataKey`: 32 bytes. Throws SnapshotDamagedError. */
export function openEnvelope(
  dataKey: Buffer,
  file: Buffer,
): { readonly clear: EnvelopeClear; readonly secret: Buffer } {
  const clear = readClear(file);
  if (file.length !== clear.fileSizeBytes) throw new SnapshotDamagedError("it was cut short or grew");
  const secret = openSealed(
    dataKey,
    file.subarray(NONCE_AT, FIXED_SIZE_BYTES),
    file.subarray(0, clear.sealedAt),
    file.subarray(clear.sealedAt),
  );
  if (secret === null) throw new SnapshotDamagedError("it was changed, or its key is another one");
  return { clear, secret };
}

/** Opens AES-256-GCM; `sealed` ends with the tag. Null where it was changed, or the key is another one. */
export function openSealed(key: Buffer, nonce: Buffer, associated: Buffer, sealed: Buffer): Buffer | null {
  const decipher = createDecipheriv("aes-256-gcm", key, nonce) as DecipherGCM;
  decipher.setAAD(associated);
  decipher.setAuthTag(sealed.subarray(-TAG_SIZE_BYTES));
  const content = decipher.update(sealed.subarray(0, -TAG_SIZE_BYTES));
  try {
    decipher.final();
    return content;
  } catch {
    return null;
  }
}

/** Names a chunk by the SHA-256 of its file, which anyone can check without a key. */
export function chunkNameOf(file: Buffer): string {
  return createHash("sha256").update(file).digest("hex");
}

export function isChunkName(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}

function readSizes(start: Buffer): {
  readonly namesAt: number;
  readonly sealedAt: number;
  readonly fileSizeBytes: number;
} {
  if (start.length < FIXED_SIZE_BYTES) throw new SnapshotDamagedError("its size is out of range");
  if (!start.subarray(0, MAGIC.length).equals(MAGIC)) throw new SnapshotDamagedError("it is no file of a snapshot");
  const format = start.readUInt32LE(8);
  if (format !== SNAPSHOT_FORMAT)
    throw new SnapshotDamagedError(`its format is ${format}, this Thaw reads ${SNAPSHOT_FORMAT}`);
  const [headerSize, namesSize, sealedSize] = [start.readUInt32LE(12), start.readUInt32LE(16), start.readUInt32LE(20)];
  if (headerSize > HEADER_SIZE_BYTES_MAX || namesSize % NAME_SIZE_BYTES !== 0 || sealedSize < TAG_SIZE_BYTES)
    throw new SnapshotDamagedError("its sizes are wrong");
  const namesAt = FIXED_SIZE_BYTES + headerSize;
  const sealedAt = namesAt + namesSize;
  const fileSizeBytes = sealedAt + sealedSize;
  if (fileSizeBytes > ENVELOPE_SIZE_BYTES_MAX) throw new SnapshotDamagedError("its size is out of range");
  return { namesAt, sealedAt, fileSizeBytes };
}

function parseHeader(clear: EnvelopeClear): Record<string, unknown> {
  let header: unknown;
  try {
    header = JSON.parse(clear.header.toString("utf8"));
  } catch {
    throw new SnapshotDamagedError("its header is unreadable");
  }
  if (typeof header !== "object" || header === null) throw new SnapshotDamagedError("its header is unreadable");
  return header as Record<string, unknown>;
}
