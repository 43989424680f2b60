/**
 * Reads the files of snapshots, on this host and in the far store: shows their contents, and checks that all of it is
 * whole.
 */
import { open, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { ThawError } from "../model/platform-errors.ts";
import type { SnapshotId } from "../base/ids.ts";
import {
  CHUNK_FILE_SIZE_BYTES_MAX,
  chunkNamesOf,
  ENVELOPE_SIZE_BYTES_MAX,
  readClear,
  SnapshotDamagedError,
} from "./format/envelope.ts";
import {
  type DiskEntry,
  type Manifest,
  openChunk,
  openManifest,
  openWorkingSet,
  PAGE_SIZE_BYTES,
  type Run,
  type Space,
  type WorkingSet,
} from "./format/sealed-files.ts";
import { Slots } from "../base/slots.ts";
import type { KeyProvider } from "../ports/key-provider.ts";
import { SnapshotStoreError } from "../ports/snapshot-store.ts";
import type {
  RegionSummary,
  SnapshotContents,
  SnapshotReader,
  SpaceSummary,
  Verification,
} from "../ports/snapshot-reader.ts";
import { chunkKey, manifestKey } from "./far/far-store.ts";
import type { SnapshotKey } from "../ports/snapshots.ts";

export interface SnapshotReaderOptions {
  readonly dataDir: string;
  readonly keys: KeyProvider;
  /** Null where snapshots are only on this host. */
  readonly far: FarFiles | null;
}

/** Reads the first `sizeBytesMax` bytes of an object; null where there is none. */
export interface FarFiles {
  get(key: string, sizeBytesMax: number): Promise<Buffer | null>;
}

interface Opened<T> {
  readonly content: T;
  readonly isFromAfar: boolean;
  /** Fault of this host's file; null where there is none, or no file. */
  readonly problem: string | null;
}

const READS_AT_ONCE_MAX = 8;

export function createSnapshotReader(options: SnapshotReaderOptions): SnapshotReader {
  return new DirectoryReader(options);
}

class DirectoryReader implements SnapshotReader {
  readonly #snapshots: string;
  readonly #chunks: string;
  readonly #keys: KeyProvider;
  readonly #far: FarFiles | null;

  constructor({ dataDir, keys, far }: SnapshotReaderOptions) {
    this.#snapshots = join(dataDir, "snapshots");
    this.#chunks = join(dataDir, "chunks");
    this.#keys = keys;
    this.#far = far;
  }

  async inspect(snapshotId: SnapshotId, key: SnapshotKey): Promise<SnapshotContents> {
    const dataKey = await this.#keys.unwrap(key.keyArn, snapshotId, key.wrapped);
    const manifest = await this.#manifest(snapshotId, dataKey);
    const { header } = manifest;
    const workingSet = await this.#workingSet(snapshotId, dataKey).catch(() => null);
    return {
      snapshotId,
      createdAt: new Date(header.createdAtMs).toISOString(),
      fingerprint: header.fingerprint,
      generation: header.generation,
      keyArn: key.keyArn,
      memoryBytes: header.memoryPages * PAGE_SIZE_BYTES,
      storedBytes: header.storedPages * PAGE_SIZE_BYTES,
      spaces: manifest.spaces.map(summarize),
      images: manifest.images.map(({ name, size }) => ({ name, sizeBytes: size })),
      disk: manifest.disk.map(describeEntry),
      chunks: await this.#countChunks(manifest),
      workingSet:
        workingSet === null ? null : { recordings: workingSet.header.recordings, pages: pagesOf(workingSet.runs) },
    };
  }

  async verify(snapshotId: SnapshotId, key: SnapshotKey, isLocal: boolean): Promise<Verification> {
    const far = isLocal ? null : this.#far;
    const problems: string[] = [];
    const found = { isWhole: true, chunksFromAfar: 0, bytes: 0 };
    const check = async <T>(what: string, opening: Promise<Opened<T>>): Promise<Opened<T> | null> => {
      try {
        const opened = await opening;
        if (opened.problem !== null) problems.push(`${what}: ${opened.problem} here; the snapshot store has it whole`);
        return opened;
      } catch (error) {
        if (error instanceof SnapshotStoreError) throw error;
        problems.push(`${what}: ${describe(error)}`);
        found.isWhole = false;
        return null;
      }
    };
    const manifest = await check("manifest", this.#openManifest(snapshotId, key, far, problems));
    const chunks = manifest?.content.chunks ?? [];
    await new Slots(READS_AT_ONCE_MAX).each(chunks, async (chunk) => {
      const place = {
        path: this.#chunkPath(chunk.name),
        key: chunkKey(chunk.name),
        sizeBytesMax: CHUNK_FILE_SIZE_BYTES_MAX,
      };
      const opened = await check(
        `chunk ${chunk.name}`,
        openFrom(far, place, (file) => openChunk(chunk, file).length),
      );
      found.bytes += opened?.content ?? 0;
      if (opened?.isFromAfar === true) found.chunksFromAfar++;
    });
    return { snapshotId, ...found, chunks: chunks.length, problems };
  }

  async #openManifest(
    snapshotId: SnapshotId,
    key: SnapshotKey,
    far: FarFiles | null,
    problems: string[],
  ): Promise<Opened<Manifest>> {
    const dataKey = await this.#keys.unwrap(key.keyArn, snapshotId, key.wrapped);
    const place = {
      path: this.#manifestPath(snapshotId),
      key: manifestKey(snapshotId),
      sizeBytesMax: ENVELOPE_SIZE_BYTES_MAX,
    };
    const manifest = await openFrom(far, place, (file) => manifestOf(snapshotId, dataKey, file));
    await this.#workingSet(snapshotId, dataKey).catch((error: unknown) =>
      problems.push(`working set: ${describe(error)}`),
    );
    return manifest;
  }

  #chunkPath(name: string): string {
    return join(this.#chunks, name.slice(0, 2), name);
  }

  #manifestPath(snapshotId: SnapshotId): string {
    return join(this.#snapshots, snapshotId, "manifest");
  }

  async #manifest(snapshotId: SnapshotId, dataKey: Buffer): Promise<Manifest> {
    return manifestOf(snapshotId, dataKey, await readUpTo(this.#manifestPath(snapshotId), ENVELOPE_SIZE_BYTES_MAX));
  }

  /** Reads the working set; null where there is none. */
  async #workingSet(snapshotId: SnapshotId, dataKey: Buffer): Promise<WorkingSet | null> {
    const file = await readUpTo(join(this.#snapshots, snapshotId, "working-set"), ENVELOPE_SIZE_BYTES_MAX).catch(
      nullIfMissing,
    );
    if (file === null) return null;
    const workingSet = openWorkingSet(dataKey, file);
    if (workingSet.header.snapshot !== snapshotId) throw new SnapshotDamagedError("it belongs to another snapshot");
    return workingSet;
  }

  async #countChunks({ header, chunks }: Manifest): Promise<SnapshotContents["chunks"]> {
    const elsewhere = await this.#namedByOthers(header.snapshot);
    const shared = chunks.filter(({ name }) => elsewhere.has(name));
    const sum = (list: Manifest["chunks"]): number => list.reduce((total, chunk) => total + chunk.sizeBytes, 0);
    let missing = 0;
    for (const { name } of chunks) {
      if ((await stat(this.#chunkPath(name)).catch(nullIfMissing)) === null) missing++;
    }
    return { count: chunks.length, bytes: sum(chunks), shared: shared.length, sharedBytes: sum(shared), missing };
  }

  /**
   * Reads the names of chunks from the clear parts of other manifests, which need no key. A manifest that can't be read
   * names nothing.
   */
  async #namedByOthers(snapshot: string): Promise<Set<string>> {
    const names = new Set<string>();
    for (const other of await readdir(this.#snapshots)) {
      if (other === snapshot || other.endsWith(".partial")) continue;
      try {
        for (const name of chunkNamesOf(
          readClear(await readUpTo(join(this.#snapshots, other, "manifest"), ENVELOPE_SIZE_BYTES_MAX)),
        ))
          names.add(name);
      } catch (error) {
        if (!(error instanceof SnapshotDamagedError)) nullIfMissing(error);
      }
    }
    return names;
  }
}

function manifestOf(snapshotId: SnapshotId, dataKey: Buffer, file: Buffer): Manifest {
  const manifest = openManifest(dataKey, file);
  if (manifest.header.snapshot !== snapshotId)
    throw new SnapshotDamagedError("its manifest belongs to another snapshot");
  return manifest;
}

interface Place {
  readonly path: string;
  readonly key: string;
  readonly sizeBytesMax: number;
}

/**
 * Opens a file of this host, or of the far store where it is not here or can't be opened here. Throws its fault, or
 * SnapshotStoreError.
 */
async function openFrom<T>(
  far: FarFiles | null,
  { path, key, sizeBytesMax }: Place,
  open: (file: Buffer) => T,
): Promise<Opened<T>> {
  try {
    return { content: open(await readUpTo(path, sizeBytesMax)), isFromAfar: false, problem: null };
  } catch (error) {
    const file = (await far?.get(key, sizeBytesMax + 1)) ?? null;
    if (file === null) throw error;
    const isMissing = (error as NodeJS.ErrnoException).code === "ENOENT";
    return { content: open(file), isFromAfar: true, problem: isMissing ? null : describe(error) };
  }
}

function nullIfMissing(error: unknown): null {
  if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
  throw error;
}

async function readUpTo(path: string, limit: number): Promise<Buffer> {
  const file = await open(path, "r");
  try {
    if ((await file.stat()).size > limit) throw new SnapshotDamagedError("its size is out of range");
    return await file.readFile();
  } finally {
    await file.close();
  }
}

function describe(error: unknown): string {
  if (error instanceof SnapshotDamagedError) return String(error.detail["why"]);
  if (error instanceof ThawError) return error.publicMessage;
  if ((error as NodeJS.ErrnoException).code === "ENOENT") return "it is missing";
  return error instanceof Error ? error.message : String(error);
}

function pagesOf(runs: ReadonlyArray<{ readonly pages: number }>): number {
  return runs.reduce((sum, run) => sum + run.pages, 0);
}

function summarize({ pid, runs }: Space): SpaceSummary {
  const [pages, zeroPages, lazyPages] = [
    pagesOf(runs),
    pagesOf(runs.filter((run) => run.place === null)),
    pagesOf(runs.filter((run) => run.isLazy)),
  ];
  return { pid, pages, zeroPages, lazyPages, eagerPages: pages - lazyPages, regions: regionsOf(runs) };
}

/** Joins runs of pages without a gap between them. */
function regionsOf(runs: readonly Run[]): RegionSummary[] {
  const sorted = [...runs].sort((a, b) => (a.address < b.address ? -1 : 1));
  const groups: Run[][] = [];
  let end = -1n;
  for (const run of sorted) {
    if (run.address !== end) groups.push([]);
    groups.at(-1)?.push(run);
    end = run.address + BigInt(run.pages) * BigInt(PAGE_SIZE_BYTES);
  }
  return groups.map((group) => ({
    address: `0x${(group[0]?.address ?? 0n).toString(16)}`,
    pages: pagesOf(group),
    zeroPages: pagesOf(group.filter((run) => run.place === null)),
    lazyPages: pagesOf(group.filter((run) => run.isLazy)),
  }));
}

function describeEntry({ path, kind, size, extents }: DiskEntry): SnapshotContents["disk"][number] {
  return {
    path: `/tmp/${Buffer.from(path, "hex").toString("utf8")}`,
    kind,
    sizeBytes: size,
    storedBytes: extents.reduce((sum, extent) => sum + extent.length, 0),
  };
}
