/**
 * A function's zip, unpacked. The zip is foreign: entries that leave the directory, links that point out of it, device
 * files, encrypted entries, too many files and too many bytes are refused, whatever its headers claim.
 */
import { createWriteStream } from "node:fs";
import { chmod, mkdir, symlink } from "node:fs/promises";
import { dirname, join, posix } from "node:path";
import { Transform, type Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { crc32 } from "node:zlib";
import { type Entry, fromBuffer, type ZipFile } from "yauzl";
import { ApiError, invalidParameter } from "../model/api-error.ts";

/** AWS's limit on the unzipped package. */
export const UNZIPPED_SIZE_BYTES_MAX = 262_144_000;
export const ENTRIES_MAX = 100_000;
const LINK_SIZE_BYTES_MAX = 4096;
const TYPE_MASK = 0o170000;
const TYPE_LINK = 0o120000;
const TYPE_DIRECTORY = 0o040000;
const TYPE_FILE = 0o100000;

const NO_ZIP = "Could not unzip uploaded file. Please check your file, then try to upload again.";

const SYSTEM_PROBLEMS: Readonly<Record<string, string>> = {
  EEXIST: "it has two entries of one name",
  ENOTDIR: "it has a file where another entry needs a folder",
  EISDIR: "it has a folder where another entry is a file",
  ENAMETOOLONG: "it has a name that is too long",
};

interface Unpacking {
  readonly target: string;
  readonly links: Map<string, string>;
  sizeBytes: number;
  entries: number;
}

export async function unzip(zip: Buffer, target: string): Promise<void> {
  const file = await openZip(zip);
  const unpacking: Unpacking = { target, links: new Map(), sizeBytes: 0, entries: 0 };
  try {
    for await (const entry of entriesOf(file)) await unpackEntry(file, entry, unpacking);
  } catch (error) {
    throw toApiError(error);
  } finally {
    file.close();
  }
  // Links last: no file is ever written through one.
  for (const [path, to] of unpacking.links) {
    await makeFolder(dirname(join(target, path)));
    await symlink(to, join(target, path));
  }
  await chmod(target, 0o755);
}

function toApiError(error: unknown): unknown {
  const isSystem = error instanceof Error && (error as NodeJS.ErrnoException).syscall !== undefined;
  // A full disk is not the zip's fault; a file where a directory should be is.
  if (
    error instanceof ApiError ||
    (isSystem && !Object.hasOwn(SYSTEM_PROBLEMS, (error as NodeJS.ErrnoException).code ?? ""))
  )
    return error;
  // The system's own text names our directories.
  const why = isSystem
    ? SYSTEM_PROBLEMS[(error as NodeJS.ErrnoException).code ?? ""]
    : error instanceof Error
      ? error.message
      : String(error);
  return invalidParameter(`${NO_ZIP} (${why})`);
}

function openZip(zip: Buffer): Promise<ZipFile> {
  return new Promise((resolve, reject) => {
    fromBuffer(zip, { lazyEntries: true, strictFileNames: true, validateEntrySizes: true }, (error, file) => {
      if (error !== null && error !== undefined) reject(invalidParameter(NO_ZIP));
      else resolve(file as ZipFile);
    });
  });
}

async function* entriesOf(file: ZipFile): AsyncGenerator<Entry> {
  const inbox: Array<Entry | Error | null> = [];
  let wake: (() => void) | null = null;
  const put = (item: Entry | Error | null): void => {
    inbox.push(item);
    wake?.();
  };
  file.on("entry", put);
  file.on("error", put);
  file.on("end", () => put(null));
  for (;;) {
    file.readEntry();
    if (inbox.length === 0) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
      wake = null;
    }
    const item = inbox.shift();
    if (item === null || item === undefined) return;
    if (item instanceof Error) throw item;
    yield item;
  }
}

async function unpackEntry(file: ZipFile, entry: Entry, unpacking: Unpacking): Promise<void> {
  if (++unpacking.entries > ENTRIES_MAX)
    throw invalidParameter(`The deployment package has more than ${ENTRIES_MAX} entries.`);
  if (entry.isEncrypted()) throw invalidParameter(`The deployment package has an encrypted entry: ${entry.fileName}`);
  const mode = entry.externalFileAttributes >>> 16;
  const type = mode & TYPE_MASK;
  checkParents(entry.fileName, unpacking);
  const path = join(unpacking.target, entry.fileName);
  if (entry.fileName.endsWith("/") || type === TYPE_DIRECTORY) {
    await makeFolder(path);
    return;
  }
  if (type !== 0 && type !== TYPE_FILE && type !== TYPE_LINK)
    throw invalidParameter(`The deployment package has an entry that is no file: ${entry.fileName}`);
  const content = await openEntry(file, entry);
  if (type === TYPE_LINK) {
    unpacking.links.set(posix.normalize(entry.fileName), await readLink(entry.fileName, content));
    return;
  }
  await makeFolder(dirname(path));
  // "wx": two entries of one name are two answers to what the function is.
  await pipeline(content, counter(unpacking), checksum(entry), createWriteStream(path, { flags: "wx", flush: true }));
  await chmod(path, (mode & 0o111) === 0 ? 0o644 : 0o755);
}

/** Functions have users of their own: what is unpacked for them is readable in spite of the server's file mode mask. */
async function makeFolder(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true });
  for (let at = path; first !== undefined && at.length >= first.length; at = dirname(at)) await chmod(at, 0o755);
}

function checkParents(name: string, unpacking: Unpacking): void {
  for (let at = posix.normalize(name); at !== "." && at !== "/"; at = posix.dirname(at)) {
    if (unpacking.links.has(at)) throw invalidParameter(`The deployment package writes through a link: ${name}`);
  }
}

function openEntry(file: ZipFile, entry: Entry): Promise<Readable> {
  return new Promise((resolve, reject) => {
    file.openReadStream(entry, (error, stream) => {
      if (error !== null && error !== undefined) return reject(error);
      // A broken entry may fail before its reader is there or after it has gone: the failure is kept for it, and never
      // ends the server.
      stream.on("error", (failure: Error) => stream.destroy(failure));
      resolve(stream);
    });
  });
}

function counter(unpacking: Unpacking): Transform {
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      unpacking.sizeBytes += chunk.length;
      if (unpacking.sizeBytes < UNZIPPED_SIZE_BYTES_MAX) done(null, chunk);
      else done(invalidParameter(`Unzipped size must be smaller than ${UNZIPPED_SIZE_BYTES_MAX} bytes`));
    },
  });
}

/** The reader checks the size, not the content. */
function checksum(entry: Entry): Transform {
  let sum = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      sum = crc32(chunk, sum);
      done(null, chunk);
    },
    flush(done) {
      if (sum === entry.crc32) done();
      else done(invalidParameter(`${NO_ZIP} (the content of ${entry.fileName} does not have its checksum)`));
    },
  });
}

/** Inside the package, and plain: `..` only at the beginning, so that no other link can change what it means. */
async function readLink(name: string, content: Readable): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of content as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > LINK_SIZE_BYTES_MAX)
      throw invalidParameter(`The deployment package has a link that is too long: ${name}`);
    parts.push(part);
  }
  const to = Buffer.concat(parts).toString("utf8");
  const resolved = posix.join(posix.dirname(posix.normalize(name)), to);
  const isPlain = posix.normalize(to).replace(/\/$/, "") === to.replace(/^\.\//, "").replace(/\/$/, "");
  if (
    to === "" ||
    to.includes("\0") ||
    posix.isAbsolute(to) ||
    !isPlain ||
    resolved === ".." ||
    resolved.startsWith("../")
  ) {
    throw invalidParameter(`The deployment package has a link that points out of it: ${name}`);
  }
  return to;
}
