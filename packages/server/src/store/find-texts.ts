/**
 * Texts in a package's files, and in what zips among them hold (jars, eggs, archives of modules): it is compressed, and
 * can't be seen in the zip's own bytes. Zips inside of zips are opened, too: an executable jar of Spring Boot has its
 * libraries in itself.
 *
 * The files are foreign, and those of an image may have gigabytes: they are read piece by piece.
 */
import { createReadStream } from "node:fs";
import { type FileHandle, mkdtemp, open, readdir } from "node:fs/promises";
import { join } from "node:path";
import { open as openZip, type ZipFile } from "yauzl";
import { removeTree } from "../base/remove-tree.ts";
import { entriesOf, openEntry } from "./zip-entries.ts";

/** How a file begins that is a zip with entries, whatever its name. */
const ZIP_MAGIC = Buffer.from("PK\u0003\u0004");
const PIECE_SIZE_BYTES = 256 * 1024;
/** Of all zips of a package. Texts beyond it count as not there. */
const ZIPPED_SIZE_BYTES_MAX = 1024 ** 3;
const ZIPPED_ENTRIES_MAX = 200_000;
/** Zips around an entry: of a file in a jar in a jar in an archive there are three. Those further in are not opened. */
const DEPTH_MAX = 3;

export interface SearchLimits {
  sizeBytes: number;
  entries: number;
}

/**
 * Resolves with those of `texts` that stand somewhere below `dir`, as they are (UTF-8).
 *
 * @param partial - Begins the path of a folder that is made for zips in zips while they are read.
 */
export async function findTexts(
  dir: string,
  texts: readonly string[],
  partial: string,
  limits: Readonly<SearchLimits> = { sizeBytes: ZIPPED_SIZE_BYTES_MAX, entries: ZIPPED_ENTRIES_MAX },
): Promise<ReadonlySet<string>> {
  if (texts.length === 0) return new Set();
  const scratch = await mkdtemp(partial);
  const search = new Search(texts, { ...limits }, scratch);
  try {
    for (const entry of await readdir(dir, { recursive: true, withFileTypes: true })) {
      if (entry.isFile()) await search.readFile(join(entry.parentPath, entry.name));
      if (search.isOver) break;
    }
  } finally {
    await removeTree(scratch);
  }
  return search.found;
}

class Search {
  readonly found = new Set<string>();
  readonly #wanted: Map<string, Buffer>;
  /** As much of a piece may be the beginning of a text that ends in the next one. */
  readonly #overlapBytes: number;
  readonly #left: SearchLimits;
  readonly #scratch: string;

  constructor(texts: readonly string[], left: SearchLimits, scratch: string) {
    this.#scratch = scratch;
    this.#wanted = new Map(texts.map((text) => [text, Buffer.from(text)]));
    this.#overlapBytes = Math.max(0, ...[...this.#wanted.values()].map((bytes) => bytes.length - 1));
    this.#left = left;
  }

  get isOver(): boolean {
    return this.#wanted.size === 0;
  }

  async readFile(path: string): Promise<void> {
    await this.#read(createReadStream(path, { highWaterMark: PIECE_SIZE_BYTES }));
    if (!this.isOver && (await isZip(path))) await this.#readZip(path, 1);
  }

  /** One that is damaged is the function's own affair. */
  async #readZip(path: string, depth: number): Promise<void> {
    const zip = await openedZip(path).catch(() => null);
    if (zip === null) return;
    try {
      for await (const entry of entriesOf(zip)) {
        if (--this.#left.entries < 0) return;
        if (entry.canDecodeFileData()) await this.#readEntry(await openEntry(zip, entry), depth);
        if (this.isOver) return;
      }
    } catch {
      // What could be read of it has been.
    } finally {
      zip.close();
    }
  }

  async #readEntry(source: AsyncIterable<Buffer>, depth: number): Promise<void> {
    const content = counted(source, this.#left);
    if (depth === DEPTH_MAX) return this.#read(content);
    const copy = join(this.#scratch, String(depth));
    try {
      await this.#read(copied(content, copy));
      if (!this.isOver && (await isZip(copy))) await this.#readZip(copy, depth + 1);
    } finally {
      await removeTree(copy);
    }
  }

  async #read(source: AsyncIterable<Buffer>): Promise<void> {
    let kept = Buffer.alloc(0);
    for await (const piece of source) {
      const content = kept.length === 0 ? piece : Buffer.concat([kept, piece]);
      for (const [text, bytes] of this.#wanted) {
        if (!content.includes(bytes)) continue;
        this.found.add(text);
        this.#wanted.delete(text);
      }
      if (this.isOver) return;
      kept = Buffer.from(content.subarray(Math.max(0, content.length - this.#overlapBytes)));
    }
  }
}

/** Ends where no more may be read. */
async function* counted(source: AsyncIterable<Buffer>, left: SearchLimits): AsyncGenerator<Buffer> {
  for await (const piece of source) {
    left.sizeBytes -= piece.length;
    if (left.sizeBytes < 0) return;
    yield piece;
  }
}

/** Writes a zip to `path` while it is read; other content is only handed on. */
async function* copied(source: AsyncIterable<Buffer>, path: string): AsyncGenerator<Buffer> {
  let file: FileHandle | null = null;
  let isFirst = true;
  try {
    for await (const piece of source) {
      if (isFirst && isZipHead(piece)) file = await open(path, "wx");
      isFirst = false;
      if (file !== null) await file.writeFile(piece);
      yield piece;
    }
  } finally {
    await file?.close();
  }
}

function isZipHead(bytes: Buffer): boolean {
  return bytes.subarray(0, ZIP_MAGIC.length).equals(ZIP_MAGIC);
}

/** False where there is no such file, too. */
async function isZip(path: string): Promise<boolean> {
  const file = await open(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null;
    throw error;
  });
  if (file === null) return false;
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(ZIP_MAGIC.length), 0, ZIP_MAGIC.length, 0);
    return bytesRead === ZIP_MAGIC.length && isZipHead(buffer);
  } finally {
    await file.close();
  }
}

function openedZip(path: string): Promise<ZipFile> {
  const options = { lazyEntries: true, autoClose: false, decodeStrings: false, validateEntrySizes: true };
  return new Promise((resolve, reject) => {
    openZip(path, options, (error, file) => {
      if (error !== null && error !== undefined) reject(error);
      else resolve(file as ZipFile);
    });
  });
}
