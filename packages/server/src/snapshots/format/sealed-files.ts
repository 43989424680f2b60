/**
 * What is inside a snapshot's files: manifest, working set, chunks. Byte tables: docs/formats/snapshot.md; written by
 * crates/snapshot. All readers authenticate before they parse, and throw SnapshotDamagedError.
 */
import { createHmac } from "node:crypto";
import { zstdDecompressSync } from "node:zlib";
import {
  chunkNameOf,
  chunkNamesOf,
  type ManifestHeader,
  openEnvelope,
  openSealed,
  readManifestHeader,
  readWorkingSetHeader,
  SnapshotDamagedError,
  TAG_SIZE_BYTES,
} from "./envelope.ts";

export const PAGE_SIZE_BYTES = 4096;
const CHUNK_SIZE_BYTES_MAX = 512 * 1024;
const CHUNK_ENTRY_SIZE_BYTES = 36;
const RUN_SIZE_BYTES = 24;
const TOUCHED_RUN_SIZE_BYTES = 16;
/** Marks, in place of a chunk's number, pages that are all zero. */
const ZERO_CHUNK = 0xffff_ffff;
const FLAG_LAZY = 1;
const CHUNK_NONCE = Buffer.alloc(12);
const CHUNK_ASSOCIATED = Buffer.from("thaw-chunk-3");
const ADDRESS_END = 2n ** 64n;

export interface ChunkRef {
  /** Name of 64 hexadecimal digits. */
  readonly name: string;
  readonly key: Buffer;
  /** Size of the content. */
  readonly sizeBytes: number;
}

/** Run of pages that follow one another both in the address space and in a chunk. */
export interface Run {
  readonly address: bigint;
  readonly pages: number;
  /** Place in a chunk; null where the pages are all zero. */
  readonly place: { readonly chunk: number; readonly slot: number } | null;
  /** True where the pages come on demand. */
  readonly isLazy: boolean;
}

/** Memory of one process, or of one shared mapping (`pid` 0). */
export interface Space {
  readonly pid: number;
  readonly pagesId: number;
  readonly runs: readonly Run[];
}

export interface Extent {
  readonly at: number;
  readonly chunk: number;
  readonly offset: number;
  readonly length: number;
}

export interface Image {
  readonly name: string;
  readonly size: number;
  readonly extents: readonly Extent[];
}

export interface DiskEntry {
  /** Path relative to `/tmp`: its bytes as hexadecimal digits. */
  readonly path: string;
  readonly kind: "file" | "directory" | "symlink" | "hardlink" | "fifo" | "socket";
  readonly size: number;
  readonly target: string;
  readonly extents: readonly Extent[];
}

export interface Manifest {
  readonly header: ManifestHeader;
  readonly supervisorPid: number;
  readonly images: readonly Image[];
  readonly disk: readonly DiskEntry[];
  readonly spaces: readonly Space[];
  readonly chunks: readonly ChunkRef[];
}

export interface TouchedRun {
  readonly pid: number;
  readonly address: bigint;
  readonly pages: number;
}

export interface WorkingSet {
  readonly header: { readonly snapshot: string; readonly recordings: number };
  readonly runs: readonly TouchedRun[];
}

interface Description {
  readonly supervisorPid: number;
  readonly images: readonly Image[];
  readonly disk: readonly DiskEntry[];
  readonly spaces: ReadonlyArray<{ readonly pid: number; readonly pagesId: number; readonly runs: number }>;
}

/** Authenticates a manifest, then checks that each reference is within its chunk. `dataKey`: 32 bytes. */
export function openManifest(dataKey: Buffer, file: Buffer): Manifest {
  const { clear, secret } = openEnvelope(dataKey, file);
  const header = readManifestHeader(clear);
  const names = chunkNamesOf(clear);
  if (secret.length < 4) throw new SnapshotDamagedError("its description is missing");
  const chunksAt = 4 + secret.readUInt32LE(0);
  const runsAt = chunksAt + names.length * CHUNK_ENTRY_SIZE_BYTES;
  if (runsAt > secret.length) throw new SnapshotDamagedError("its description is cut short");
  const description = parseDescription(secret.subarray(4, chunksAt));
  const runCount = description.spaces.reduce((sum, space) => sum + space.runs, 0);
  if (secret.length !== runsAt + runCount * RUN_SIZE_BYTES)
    throw new SnapshotDamagedError("its tables have another size");
  const chunks = names.map((name, index) => readChunkRef(name, secret, chunksAt + index * CHUNK_ENTRY_SIZE_BYTES));
  let at = runsAt;
  const spaces = description.spaces.map(({ pid, pagesId, runs }) => {
    const from = at;
    at += runs * RUN_SIZE_BYTES;
    return {
      pid,
      pagesId,
      runs: Array.from({ length: runs }, (_, index) => readRun(secret, from + index * RUN_SIZE_BYTES, chunks)),
    };
  });
  for (const extent of [...description.images, ...description.disk].flatMap((each) => each.extents))
    checkExtent(extent, chunks);
  return {
    header,
    supervisorPid: description.supervisorPid,
    images: description.images,
    disk: description.disk,
    spaces,
    chunks,
  };
}

export function openWorkingSet(dataKey: Buffer, file: Buffer): WorkingSet {
  const { clear, secret } = openEnvelope(dataKey, file);
  if (secret.length % TOUCHED_RUN_SIZE_BYTES !== 0) throw new SnapshotDamagedError("its runs are cut short");
  const runs = Array.from({ length: secret.length / TOUCHED_RUN_SIZE_BYTES }, (_, index) => {
    const at = index * TOUCHED_RUN_SIZE_BYTES;
    const run = {
      pid: secret.readUInt32LE(at),
      pages: secret.readUInt32LE(at + 4),
      address: secret.readBigUInt64LE(at + 8),
    };
    checkPages(run);
    return run;
  });
  return { header: readWorkingSetHeader(clear), runs };
}

/** Opens a chunk's file and authenticates its content. `chunkNameOf` checks the name without a key. */
export function openChunk(chunk: ChunkRef, file: Buffer): Buffer {
  const content = decompress(openFrame(chunk, file), chunk.sizeBytes);
  if (content?.length !== chunk.sizeBytes) throw new SnapshotDamagedError("a chunk has another size");
  return content;
}

/** Compresses a chunk's content to the frame that its file encrypts. */
export function openFrame(chunk: ChunkRef, file: Buffer): Buffer {
  const frame =
    file.length < TAG_SIZE_BYTES || chunkNameOf(file) !== chunk.name
      ? null
      : openSealed(chunk.key, CHUNK_NONCE, CHUNK_ASSOCIATED, file);
  if (frame === null) throw new SnapshotDamagedError("a chunk was changed");
  return frame;
}

/** Derives a chunk's key from the account's secret and the frame. */
export function chunkKeyOf(secret: Buffer, frame: Buffer): Buffer {
  return createHmac("sha256", secret).update(frame).digest();
}

/** Expands a frame. Null where it is none, or one of more than `sizeBytes`. */
function decompress(frame: Buffer, sizeBytes: number): Buffer | null {
  try {
    return zstdDecompressSync(frame, { maxOutputLength: sizeBytes });
  } catch {
    return null;
  }
}

function parseDescription(json: Buffer): Description {
  let value: unknown;
  try {
    value = JSON.parse(json.toString("utf8"));
  } catch {
    throw new SnapshotDamagedError("its description is unreadable");
  }
  if (!isDescription(value)) throw new SnapshotDamagedError("its description is unreadable");
  return value;
}

function isDescription(value: unknown): value is Description {
  if (!isRecord(value)) return false;
  const { supervisorPid, images, disk, spaces } = value;
  return (
    Number.isSafeInteger(supervisorPid) &&
    isListOf(
      images,
      (image) => typeof image["name"] === "string" && isCount(image["size"]) && isListOf(image["extents"], isExtent),
    ) &&
    isListOf(
      disk,
      (entry) =>
        isText(entry, ["path", "kind", "target"]) && isCount(entry["size"]) && isListOf(entry["extents"], isExtent),
    ) &&
    isListOf(spaces, (space) => isCount(space["pid"]) && isCount(space["pagesId"]) && isCount(space["runs"]))
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function isListOf(value: unknown, isItem: (item: Record<string, unknown>) => boolean): boolean {
  return Array.isArray(value) && value.every((item: unknown) => isRecord(item) && isItem(item));
}

function isText(value: Record<string, unknown>, names: readonly string[]): boolean {
  return names.every((name) => typeof value[name] === "string");
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isExtent(value: Record<string, unknown>): boolean {
  return ["at", "chunk", "offset", "length"].every((name) => isCount(value[name]));
}

function readChunkRef(name: string, table: Buffer, at: number): ChunkRef {
  const sizeBytes = table.readUInt32LE(at + 32);
  if (sizeBytes === 0 || sizeBytes > CHUNK_SIZE_BYTES_MAX)
    throw new SnapshotDamagedError("a chunk's size is out of range");
  return { name, key: table.subarray(at, at + 32), sizeBytes };
}

function readRun(table: Buffer, at: number, chunks: readonly ChunkRef[]): Run {
  const [chunk, slot] = [table.readUInt32LE(at + 12), table.readUInt32LE(at + 16)];
  const run = { address: table.readBigUInt64LE(at), pages: table.readUInt32LE(at + 8) };
  checkPages(run);
  const place = chunk === ZERO_CHUNK ? null : { chunk, slot };
  if (place !== null && (slot + run.pages) * PAGE_SIZE_BYTES > (chunks[chunk]?.sizeBytes ?? 0)) {
    throw new SnapshotDamagedError("a run of pages leaves its chunk");
  }
  return { ...run, place, isLazy: (table.readUInt32LE(at + 20) & FLAG_LAZY) !== 0 };
}

function checkPages({ address, pages }: { readonly address: bigint; readonly pages: number }): void {
  const isInRange =
    pages > 0 &&
    address % BigInt(PAGE_SIZE_BYTES) === 0n &&
    address + BigInt(pages) * BigInt(PAGE_SIZE_BYTES) < ADDRESS_END;
  if (!isInRange) throw new SnapshotDamagedError("a run of pages is out of range");
}

function checkExtent(extent: Extent, chunks: readonly ChunkRef[]): void {
  if (extent.length === 0 || extent.offset + extent.length > (chunks[extent.chunk]?.sizeBytes ?? 0)) {
    throw new SnapshotDamagedError("an extent leaves its chunk");
  }
}
