/** Tar archives of images, laid out in a folder for as long as they are read. */
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { addAbortSignal, type Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { ALL_ROOM, type RoomWatch } from "../base/disk-room.ts";
import { readTar, TarError } from "../base/tar.ts";
import { invalidImage } from "../model/image-problems.ts";
import { DOCKER_FILE } from "./layout.ts";

/** AWS's limit on an image; an archive has nothing but one, or a few that share layers. */
const ARCHIVE_SIZE_BYTES_MAX = 20 * 1024 ** 3;
const FILES_MAX = 10_000;
const LAYOUT_FILE = /^(index\.json|manifest\.json|blobs\/sha256\/[0-9a-f]{64})$/;
const GZIP_CODES = /^Z_/;

/**
 * Lays the archive at `path` out below `scratchDir` and hands the folder to `use`. Nothing is left afterwards.
 *
 * @param sizeBytesMax - Of the archive, uncompressed.
 */
export async function withArchive<T>(
  uri: string,
  path: string,
  scratchDir: string,
  use: (dir: string) => Promise<T>,
  closed: AbortSignal,
  watch: RoomWatch = ALL_ROOM,
  sizeBytesMax = ARCHIVE_SIZE_BYTES_MAX,
): Promise<T> {
  await mkdir(scratchDir, { recursive: true, mode: 0o755 });
  const dir = await mkdtemp(join(scratchDir, ".partial-"));
  try {
    await layOut(uri, path, dir, { closed, sizeBytesMax, watch });
    return await use(dir);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

interface Limits {
  readonly closed: AbortSignal;
  readonly sizeBytesMax: number;
  readonly watch: RoomWatch;
}

async function layOut(uri: string, path: string, dir: string, limits: Limits): Promise<void> {
  let files = 0;
  const source = addAbortSignal(limits.closed, await openArchive(path));
  try {
    await readTar(limited(uri, source, limits), async (entry) => {
      const name = entry.path.replace(/^\.\//, "");
      if (++files > FILES_MAX) throw invalidImage(uri, `its archive has more than ${FILES_MAX} files`);
      const isWanted = LAYOUT_FILE.test(name) || DOCKER_FILE.test(name);
      if (isWanted && entry.type !== "File")
        throw invalidImage(uri, `${name} in its archive is no file: save it with a newer release of the program`);
      if (!isWanted) {
        entry.resume();
        return;
      }
      const to = join(dir, name);
      await mkdir(dirname(to), { recursive: true });
      await pipeline(entry as unknown as Readable, createWriteStream(to));
    });
  } catch (error) {
    if (error instanceof TarError || GZIP_CODES.test((error as NodeJS.ErrnoException).code ?? ""))
      throw invalidImage(uri, `its archive is damaged: ${(error as Error).message}`);
    throw error;
  } finally {
    source.destroy();
  }
}

/** Counts what is no file, too: a little gzip makes endless zeros behind the end of an archive. */
async function* limited(uri: string, source: Readable, { sizeBytesMax, watch }: Limits): AsyncGenerator<Buffer, void> {
  let sizeBytes = 0;
  for await (const part of source as AsyncIterable<Buffer>) {
    sizeBytes += part.length;
    if (sizeBytes > sizeBytesMax) throw invalidImage(uri, "its archive is too large");
    const full = watch(part.length);
    if (full !== null) throw full;
    yield part;
  }
}

/** An archive may be compressed as a whole, as `docker save | gzip` makes it. */
async function openArchive(path: string): Promise<Readable> {
  const file = createReadStream(path);
  for await (const part of createReadStream(path, { end: 1 })) {
    if ((part as Buffer).equals(Buffer.from([0x1f, 0x8b]))) {
      const plain = createGunzip();
      file.on("error", (error) => plain.destroy(error));
      return file.pipe(plain);
    }
  }
  return file;
}
