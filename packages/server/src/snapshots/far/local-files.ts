/**
 * The snapshots and chunks of this host as the server sees them: it reads what sandboxd wrote, adds what comes from
 * afar, evicts. Whatever is added here is written beside and renamed; nothing of it is trusted later, so it is not
 * synced.
 *
 * ```text
 * DATA/chunks/ab/abcd…
 * DATA/snapshots/snap-…/manifest, working-set     sandboxd's, or from afar
 *                       uploaded                  SHA-256 of the manifest that the far store has, with all its chunks
 * ```
 */
import { createHash } from "node:crypto";
import { chmod, mkdir, open, readdir, readFile, rename, rm, stat, unlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isSnapshotId, type SnapshotId } from "../../base/ids.ts";
import type { Random } from "../../base/random.ts";
import { clearSizeOf, type EnvelopeClear, isChunkName, readClear } from "../format/envelope.ts";

const PARTIAL = ".partial";
const CLEAR_GUESS_BYTES = 64 * 1024;

interface LocalChunk {
  readonly name: string;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
}

export class LocalFiles {
  readonly #chunks: string;
  readonly #snapshots: string;
  readonly #random: Random;

  constructor(dataDir: string, random: Random) {
    this.#chunks = join(dataDir, "chunks");
    this.#snapshots = join(dataDir, "snapshots");
    this.#random = random;
  }

  readChunk(name: string): Promise<Buffer | null> {
    return readFile(this.#chunkPath(name)).catch(nullIfAbsent);
  }

  async statChunk(name: string): Promise<LocalChunk | null> {
    const found = await stat(this.#chunkPath(name)).catch(nullIfAbsent);
    return found === null ? null : { name, sizeBytes: found.size, modifiedMs: found.mtimeMs };
  }

  async missingChunks(names: readonly string[]): Promise<readonly string[]> {
    const found = await Promise.all(names.map((name) => this.statChunk(name)));
    return names.filter((_, index) => found[index] === null);
  }

  async writeChunk(name: string, file: Buffer): Promise<void> {
    const group = join(this.#chunks, name.slice(0, 2));
    const settle = (): Promise<void> =>
      this.#settle(join(group, `.${this.#random.uuid()}`), this.#chunkPath(name), file);
    try {
      await settle();
    } catch (error) {
      nullIfAbsent(error);
      // The first chunk of its group.
      await mkdir(group, { recursive: true });
      await chmod(group, 0o755);
      await settle();
    }
  }

  removeChunk(name: string): Promise<void> {
    return unlink(this.#chunkPath(name)).catch((error: unknown) => void nullIfAbsent(error));
  }

  async listChunks(): Promise<LocalChunk[]> {
    const found: LocalChunk[] = [];
    for (const group of await readdir(this.#chunks)) {
      for (const name of (await readdir(join(this.#chunks, group)).catch(nullIfAbsent)) ?? []) {
        const chunk = isChunkName(name) ? await this.statChunk(name) : null;
        if (chunk !== null) found.push(chunk);
      }
    }
    return found;
  }

  async listSnapshots(): Promise<SnapshotId[]> {
    return (await readdir(this.#snapshots)).filter(isSnapshotId);
  }

  async hasManifest(id: SnapshotId): Promise<boolean> {
    return (await stat(this.#path(id, "manifest")).catch(nullIfAbsent)) !== null;
  }

  readManifest(id: SnapshotId): Promise<Buffer | null> {
    return readFile(this.#path(id, "manifest")).catch(nullIfAbsent);
  }

  readWorkingSet(id: SnapshotId): Promise<Buffer | null> {
    return readFile(this.#path(id, "working-set")).catch(nullIfAbsent);
  }

  /** Reads the clear part of a manifest; null where there is none. Throws SnapshotDamagedError. */
  async readManifestClear(id: SnapshotId): Promise<EnvelopeClear | null> {
    const file = await open(this.#path(id, "manifest")).catch(nullIfAbsent);
    if (file === null) return null;
    try {
      const guess = Buffer.alloc(CLEAR_GUESS_BYTES);
      const { bytesRead } = await file.read(guess, 0, guess.length, 0);
      const start = guess.subarray(0, bytesRead);
      const needed = clearSizeOf(start);
      if (needed <= bytesRead) return readClear(start.subarray(0, needed));
      const clear = Buffer.alloc(needed);
      const more = await file.read(clear, 0, needed, 0);
      return readClear(clear.subarray(0, more.bytesRead));
    } finally {
      await file.close();
    }
  }

  /** Adds a whole snapshot from afar; one that is there already stays. */
  async addSnapshot(id: SnapshotId, manifest: Buffer, workingSet: Buffer | null): Promise<void> {
    const draft = join(this.#snapshots, `${id}.${this.#random.uuid()}${PARTIAL}`);
    await mkdir(draft);
    try {
      if (workingSet !== null) await writeFile(join(draft, "working-set"), workingSet);
      await writeFile(join(draft, "uploaded"), digestOf(manifest));
      await writeFile(join(draft, "manifest"), manifest);
      await rename(draft, join(this.#snapshots, id));
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code !== "ENOTEMPTY" && code !== "EEXIST") throw error;
    } finally {
      await rm(draft, { recursive: true, force: true });
    }
  }

  /** Replaces a manifest. Clones that have the old one open go on with it. */
  async replaceManifest(id: SnapshotId, manifest: Buffer): Promise<void> {
    const path = this.#path(id, "manifest");
    await this.#settle(`${path}.${this.#random.uuid()}${PARTIAL}`, path, manifest);
    await this.markUploaded(id, manifest);
  }

  /** Notes that the far store has this manifest with all that it names. */
  async markUploaded(id: SnapshotId, manifest: Buffer): Promise<void> {
    const path = this.#path(id, "uploaded");
    await this.#settle(`${path}.${this.#random.uuid()}${PARTIAL}`, path, Buffer.from(digestOf(manifest)));
  }

  /**
   * Reads when a snapshot was uploaded or last used; null where the far store does not have the manifest that is here.
   */
  async uploadedMs(id: SnapshotId): Promise<number | null> {
    const path = this.#path(id, "uploaded");
    const mark = await readFile(path, "utf8").catch(nullIfAbsent);
    if (mark === null) return null;
    const manifest = await this.readManifest(id);
    if (manifest === null || digestOf(manifest) !== mark) return null;
    return (await stat(path).catch(nullIfAbsent))?.mtimeMs ?? null;
  }

  /** Notes the time of use. Only the order of eviction over a restart depends on it. */
  async touch(id: SnapshotId, nowMs: number): Promise<void> {
    await utimes(this.#path(id, "uploaded"), nowMs / 1000, nowMs / 1000).catch(() => undefined);
  }

  #chunkPath(name: string): string {
    return join(this.#chunks, name.slice(0, 2), name);
  }

  #path(id: SnapshotId, file: string): string {
    return join(this.#snapshots, id, file);
  }

  async #settle(draft: string, path: string, content: Buffer): Promise<void> {
    try {
      await writeFile(draft, content);
      // The pager is another user than the server, whose file mode mask would keep it out.
      await chmod(draft, 0o644);
      await rename(draft, path);
    } catch (error) {
      await rm(draft, { force: true });
      throw error;
    }
  }
}

function digestOf(manifest: Buffer): string {
  return createHash("sha256").update(manifest).digest("hex");
}

function nullIfAbsent(error: unknown): null {
  if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
  throw error;
}
