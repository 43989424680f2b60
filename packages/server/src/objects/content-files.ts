/**
 * Content as files of DATA/objects/content, named by new ids and never changed. A file that no row of the index names
 * is left over from a crash, and is removed after the start.
 */
import { createReadStream, mkdirSync } from "node:fs";
import { link, mkdir, open, opendir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { syncDirectory } from "../base/durable-files.ts";
import { systemRandom } from "../base/random.ts";
import type { ByteRange, ReceivedContent, ReceiveLimits } from "../ports/object-store.ts";
import { Room, tooLarge } from "./room.ts";

/** A file's part of a version's content. */
export interface Piece {
  readonly file: string;
  readonly sizeBytes: number;
}

const PREFIX = /^[0-9a-f]{2}$/;
const ID = /^[0-9a-f]{2}-[0-9a-f-]{36}$/;

export class ContentFiles {
  readonly #root: string;
  readonly #room: Room;
  /** Files that are being written, or are written and not in the index yet. */
  readonly #unnamed = new Set<string>();
  /** How many streams read a file. */
  readonly #readers = new Map<string, number>();
  /** Files to remove when the last of them is closed. */
  readonly #removed = new Set<string>();
  /** Directories of which it is known that they are there, and last. */
  readonly #prepared = new Map<string, Promise<void>>();

  constructor(root: string, room: Room) {
    this.#root = root;
    this.#room = room;
    mkdirSync(root, { recursive: true });
  }

  async receive(
    content: AsyncIterable<Uint8Array>,
    { algorithms, sizeBytesMax }: ReceiveLimits,
  ): Promise<ReceivedContent> {
    // Loaded by the first content: few servers keep objects.
    const { Digests } = await import("../base/digests.ts");
    const digests = new Digests(algorithms);
    const file = this.#newName();
    let sizeBytes = 0;
    try {
      await this.#prepare(file);
      const handle = await open(this.#pathOf(file), "wx", 0o600);
      try {
        for await (const bytes of content) {
          if (sizeBytes + bytes.length > sizeBytesMax) throw tooLarge(sizeBytesMax);
          this.#room.take(bytes.length);
          sizeBytes += bytes.length;
          digests.update(bytes);
          await handle.writeFile(bytes);
        }
        await handle.sync();
      } finally {
        await handle.close();
      }
      await syncDirectory(this.#directoryOf(file));
      return { file, sizeBytes, ...(await digests.end()) };
    } catch (error) {
      this.#room.giveBack(sizeBytes);
      await this.#remove(file);
      throw error;
    }
  }

  /** The content has a row in the index, or its file is to be removed. */
  async settle({ file, sizeBytes }: ReceivedContent, isNamed: boolean): Promise<void> {
    this.#room.giveBack(sizeBytes);
    if (isNamed) this.#unnamed.delete(file);
    else await this.#remove(file);
  }

  /** Gives each file a second name. They are settled like content that was received. */
  async link(pieces: readonly Piece[]): Promise<ReceivedContent[]> {
    const linked: ReceivedContent[] = [];
    try {
      for (const { file: from, sizeBytes } of pieces) {
        this.#room.take(sizeBytes);
        const file = this.#newName();
        linked.push({ file, sizeBytes, md5: "", checksums: {} });
        await this.#prepare(file);
        await link(this.#pathOf(from), this.#pathOf(file));
        await syncDirectory(this.#directoryOf(file));
      }
      return linked;
    } catch (error) {
      for (const each of linked) await this.settle(each, false);
      throw error;
    }
  }

  /** The files stay until the stream is closed, though they are removed meanwhile. */
  read(pieces: readonly Piece[], range: ByteRange | undefined): Readable {
    const parts = partsOf(pieces, range ?? { first: 0, last: Number.MAX_SAFE_INTEGER });
    for (const { file } of parts) this.#readers.set(file, (this.#readers.get(file) ?? 0) + 1);
    const stream = Readable.from(this.#bytesOf(parts), { objectMode: false });
    stream.once("close", () => void this.#readerLeft(parts));
    return stream;
  }

  async remove(files: readonly string[]): Promise<void> {
    for (const file of files)
      if (this.#readers.has(file)) this.#removed.add(file);
      else await rm(this.#pathOf(file), { force: true });
  }

  /** Removes the files that are neither being written nor, by `isNamed`, in the index. */
  async sweep(isNamed: (file: string) => boolean, isStopped: () => boolean): Promise<void> {
    for (const prefix of await readdir(this.#root)) {
      if (!PREFIX.test(prefix)) continue;
      for await (const entry of await opendir(join(this.#root, prefix))) {
        if (isStopped()) return;
        const file = `${prefix}-${entry.name}`;
        if (ID.test(file) && !this.#unnamed.has(file) && !isNamed(file)) await this.remove([file]);
      }
    }
  }

  async *#bytesOf(parts: readonly Part[]): AsyncGenerator<Buffer> {
    for (const { file, first, last } of parts)
      yield* createReadStream(this.#pathOf(file), { start: first, end: last }) as AsyncIterable<Buffer>;
  }

  async #readerLeft(parts: readonly Part[]): Promise<void> {
    for (const { file } of parts) {
      const left = (this.#readers.get(file) ?? 1) - 1;
      if (left > 0) this.#readers.set(file, left);
      else this.#readers.delete(file);
      // What can't be removed now is removed after the next start.
      if (left === 0 && this.#removed.delete(file))
        await rm(this.#pathOf(file), { force: true }).catch(() => undefined);
    }
  }

  /**
   * Makes the directory of a file, and makes its name last: the file's own then lasts once the directory is synced. All
   * that begin meanwhile wait for the same.
   */
  #prepare(file: string): Promise<void> {
    const directory = this.#directoryOf(file);
    const known = this.#prepared.get(directory);
    if (known !== undefined) return known;
    const preparing = mkdir(directory, { recursive: true }).then(() => syncDirectory(this.#root));
    this.#prepared.set(directory, preparing);
    preparing.catch(() => this.#prepared.delete(directory));
    return preparing;
  }

  #newName(): string {
    const id = systemRandom.uuid();
    const file = `${id.slice(0, 2)}-${id}`;
    this.#unnamed.add(file);
    return file;
  }

  async #remove(file: string): Promise<void> {
    await this.remove([file]);
    this.#unnamed.delete(file);
  }

  #directoryOf(file: string): string {
    return join(this.#root, file.slice(0, 2));
  }

  #pathOf(file: string): string {
    return join(this.#directoryOf(file), file.slice(3));
  }
}

interface Part extends ByteRange {
  readonly file: string;
}

/** The parts of the files that a range covers. */
function partsOf(pieces: readonly Piece[], range: ByteRange): Part[] {
  const parts: Part[] = [];
  let offset = 0;
  for (const { file, sizeBytes } of pieces) {
    const first = Math.max(range.first - offset, 0);
    const last = Math.min(range.last - offset, sizeBytes - 1);
    if (first <= last) parts.push({ file, first, last });
    offset += sizeBytes;
  }
  return parts;
}
