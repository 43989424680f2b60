/** Tar archives, read entry by entry with limits on what a header may make us keep. */
import { Parser, type ReadEntry } from "tar";

export type TarEntry = ReadEntry;

/** A long name or extended header beyond it is refused: it is kept in memory. */
const META_SIZE_BYTES_MAX = 1024 * 1024;
/** gzip and zstd: what begins so, the parser would decompress, and past whoever counts. */
const COMPRESSED = [Buffer.from([0x1f, 0x8b]), Buffer.from([0x28, 0xb5, 0x2f, 0xfd])];
const MAGIC_SIZE_BYTES_MAX = 4;

/** What is wrong with an archive. */
export class TarError extends Error {}

/**
 * Reads an archive that is not compressed. Entries come one after the other, each when the one before has been taken.
 *
 * @param take - Must read the entry's content, or `resume()` it.
 * @throws TarError where the archive is damaged, or has something that Parser would leave out.
 */
export async function readTar(source: AsyncIterable<Buffer>, take: (entry: TarEntry) => Promise<void>): Promise<void> {
  const parser = new Parser({ strict: true, maxMetaEntrySize: META_SIZE_BYTES_MAX, zstd: false, brotli: false });
  let head = Buffer.alloc(0);
  let isOver = false;
  const failures: unknown[] = [];
  let wake = (): void => undefined;
  const fail = (error: unknown): void => {
    failures.push(error);
    wake();
  };
  const next = (): Promise<void> =>
    new Promise((resolve) => {
      wake = resolve;
      if (failures.length > 0) resolve();
    });
  let taken = Promise.resolve();
  parser.on("entry", (entry: TarEntry) => {
    taken = taken.then(() => (failures.length > 0 ? undefined : take(entry))).catch(fail);
  });
  parser.on("ignoredEntry", (entry: TarEntry) => fail(new TarError(`an entry of type ${entry.type} can't be read`)));
  parser.on("error", (error: Error) => fail(new TarError(error.message)));
  parser.on("drain", () => wake());
  parser.on("eof", () => {
    isOver = true;
  });
  const ended = new Promise<void>((resolve) => parser.on("end", resolve));
  for await (const part of source) {
    // The parser keeps all that is behind the end in memory, and copies it with each part.
    if (isOver) continue;
    if (head.length < MAGIC_SIZE_BYTES_MAX) {
      head = Buffer.concat([head, part.subarray(0, MAGIC_SIZE_BYTES_MAX)]);
      if (COMPRESSED.some((magic) => head.subarray(0, magic.length).equals(magic)))
        throw new TarError("there is something compressed in it, and no archive");
    }
    const isReady = parser.write(part);
    if (failures.length > 0) throw failures[0];
    if (!isReady) await next();
    if (failures.length > 0) throw failures[0];
  }
  parser.end();
  await Promise.race([ended, next()]);
  await taken;
  if (failures.length > 0) throw failures[0];
}
