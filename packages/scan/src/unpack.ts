/**
 * A deployment package unpacked for reading: only plain files, nothing outside the folder, no more than a function may
 * have.
 */
import { createWriteStream } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type Entry, open, type ZipFile } from "yauzl";
import { CommandError } from "@thaw/installation/command-error";

/** A container image's limit is far over a zip's; code that is scanned is smaller than either. */
const SIZE_BYTES_MAX = 1024 * 1024 * 1024;
const ENTRIES_MAX = 200_000;
const TYPE_MASK = 0o170000;
const TYPE_FILE = 0o100000;

export async function unpack(path: string, target: string): Promise<void> {
  const file = await openZip(path);
  let sizeBytes = 0;
  let entries = 0;
  await new Promise<void>((resolve, reject) => {
    const take = async (entry: Entry): Promise<void> => {
      sizeBytes += entry.uncompressedSize;
      if (++entries > ENTRIES_MAX || sizeBytes > SIZE_BYTES_MAX)
        throw new CommandError(`${path} is too large to be a function`);
      const type = (entry.externalFileAttributes >>> 16) & TYPE_MASK;
      if (!entry.fileName.endsWith("/") && (type === 0 || type === TYPE_FILE)) {
        const to = join(target, entry.fileName);
        await mkdir(dirname(to), { recursive: true });
        await pipeline(await contentOf(file, entry), createWriteStream(to));
      }
      file.readEntry();
    };
    file.on("entry", (entry: Entry) => void take(entry).catch(reject));
    file.on("end", resolve);
    file.on("error", reject);
    file.readEntry();
  })
    .catch((error: unknown) => {
      throw error instanceof CommandError
        ? error
        : new CommandError(`${path} can't be unpacked: ${(error as Error).message}`);
    })
    .finally(() => file.close());
}

function openZip(path: string): Promise<ZipFile> {
  return new Promise((resolve, reject) => {
    open(
      path,
      { lazyEntries: true, autoClose: false, strictFileNames: true, validateEntrySizes: true },
      (error, file) => {
        if (error !== null && error !== undefined) reject(new CommandError(`${path} is no zip: ${error.message}`));
        else resolve(file as ZipFile);
      },
    );
  });
}

function contentOf(file: ZipFile, entry: Entry): Promise<Readable> {
  return new Promise((resolve, reject) => {
    file.openReadStream(entry, (error, stream) => {
      if (error !== null && error !== undefined) reject(error);
      else resolve(stream);
    });
  });
}
