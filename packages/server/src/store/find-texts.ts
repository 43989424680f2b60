/**
 * Texts in a package's files, and in what zips among them hold (jars, eggs, archives of modules): it is compressed, and
 * can't be seen in the zip's own bytes. Zips inside of zips are not opened.
 *
 * The files are foreign, and those of an image may have gigabytes: they are read piece by piece.
 */
import { createReadStream } from "node:fs";
import { open, readdir } from "node:fs/promises";
import { join } from "node:path";
import { open as openZip, type ZipFile } from "yauzl";
import { entriesOf, openEntry } from "./zip-entries.ts";

/** How a file begins that is a zip with entries, whatever its name. */
const ZIP_MAGIC = Buffer.from("PK\u0003\u0004");
const PIECE_SIZE_BYTES = 256 * 1024;
/** Of all zips of a package. Texts beyond it count as not there. */
const ZIPPED_SIZE_BYTES_MAX = 1024 ** 3;
const ZIPPED_ENTRIES_MAX = 200_000;

export interface SearchLimits {
  sizeBytes: number;
  entries: number;
}

/** Resolves with those of `texts` that stand somewhere below `dir`, as they are (UTF-8). */
export async function findTexts(
  dir: string,
  texts: readonly string[],
  limits: Readonly<SearchLimits> = { sizeBytes: ZIPPED_SIZE_BYTES_MAX, entries: ZIPPED_ENTRIES_MAX },
): Promise<ReadonlySet<string>> {
  const search = new Search(texts, { ...limits });
  if (search.isOver) return search.found;
  for (const entry of await readdir(dir, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) await search.readFile(join(entry.parentPath, entry.name));
    if (search.isOver) break;
  }
  return search.found;
}

class Search {
  readonly found = new Set<string>();
  readonly #wanted: Map<string, Buffer>;
  /** As much of a piece may be the beginning of a text that ends in the next one. */
  readonly #overlapBytes: number;
  readonly #left: SearchLimits;

  constructor(texts: readonly string[], left: SearchLimits) {
    this.#wanted = new Map(texts.map((text) => [text, Buffer.from(text)]));
    this.#overlapBytes = Math.max(0, ...[...this.#wanted.values()].map((bytes) => bytes.length - 1));
    this.#left = left;
  }

  get isOver(): boolean {
    return this.#wanted.size === 0;
  }

  async readFile(path: string): Promise<void> {
    await this.#read(createReadStream(path, { highWaterMark: PIECE_SIZE_BYTES }));
    if (this.isOver || !(await isZip(path))) return;
    // One that is damaged is the function's own affair.
    await this.#readZip(path).catch(() => undefined);
  }

  async #readZip(path: string): Promise<void> {
    const zip = await openedZip(path);
    try {
      for await (const entry of entriesOf(zip)) {
        if (--this.#left.entries < 0) return;
        if (entry.canDecodeFileData()) await this.#read(counted(await openEntry(zip, entry), this.#left));
        if (this.isOver) return;
      }
    } finally {
      zip.close();
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

async function isZip(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(ZIP_MAGIC.length), 0, ZIP_MAGIC.length, 0);
    return bytesRead === ZIP_MAGIC.length && buffer.equals(ZIP_MAGIC);
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
