/**
 * A function's zip, unpacked. The zip is foreign: entries that leave the directory, device files, encrypted entries,
 * too many files and too many bytes are refused, whatever its headers claim. Of several entries of one name the last
 * one counts, as with AWS.
 *
 * Links may lead anywhere: they are resolved in the sandbox, where the package is /var/task. Nothing on this side may
 * follow one.
 */
import { createWriteStream } from "node:fs";
import { chmod, mkdir, symlink, unlink } from "node:fs/promises";
import { dirname, join, posix } from "node:path";
import { Transform, type Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { crc32 } from "node:zlib";
import { type Entry, fromBuffer, type ZipFile } from "yauzl";
import { ApiError, invalidParameter } from "../model/api-error.ts";
import { entriesOf, openEntry } from "./zip-entries.ts";
import { nameProblem, readName } from "./zip-names.ts";

/** AWS's limit on the unzipped package. */
export const UNZIPPED_SIZE_BYTES_MAX = 262_144_000;
export const ENTRIES_MAX = 100_000;
const LINK_SIZE_BYTES_MAX = 4096;
const TYPE_MASK = 0o170000;
const TYPE_LINK = 0o120000;
const TYPE_DIRECTORY = 0o040000;
const TYPE_FILE = 0o100000;

/** AWS's own text. */
const EMPTY_ZIP = "Uploaded file must be a non-empty zip";
const NO_ZIP = "Could not unzip uploaded file. Please check your file, then try to upload again.";

const SYSTEM_PROBLEMS: Readonly<Record<string, string>> = {
  EEXIST: "it has a file where another entry needs a folder",
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
  if (file.entryCount === 0) throw invalidParameter(EMPTY_ZIP);
  const unpacking: Unpacking = { target, links: new Map(), sizeBytes: 0, entries: 0 };
  try {
    for await (const entry of entriesOf(file)) await unpackEntry(file, entry, unpacking);
    // Links last: no file is ever written through one.
    for (const [path, to] of unpacking.links) await makeLink(join(target, path), to);
  } catch (error) {
    throw toApiError(error);
  } finally {
    file.close();
  }
  await chmod(target, 0o755);
}

/** Replaces a file of the same name, which came before it. */
async function makeLink(path: string, to: string): Promise<void> {
  await makeFolder(dirname(path));
  await unlink(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
  });
  await symlink(to, path);
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
    fromBuffer(zip, { lazyEntries: true, decodeStrings: false, validateEntrySizes: true }, (error, file) => {
      if (error !== null && error !== undefined) reject(invalidParameter(NO_ZIP));
      else resolve(file as ZipFile);
    });
  });
}

async function unpackEntry(file: ZipFile, entry: Entry, unpacking: Unpacking): Promise<void> {
  if (++unpacking.entries > ENTRIES_MAX)
    throw invalidParameter(`The deployment package has more than ${ENTRIES_MAX} entries.`);
  const name = readName(entry);
  const wrong = nameProblem(name);
  if (wrong !== null) throw new Error(wrong);
  if (entry.isEncrypted()) throw invalidParameter(`The deployment package has an encrypted entry: ${name}`);
  const mode = entry.externalFileAttributes >>> 16;
  const type = mode & TYPE_MASK;
  const plain = posix.normalize(name).replace(/\/$/, "");
  checkParents(plain, unpacking);
  const path = join(unpacking.target, plain);
  if (name.endsWith("/") || type === TYPE_DIRECTORY) {
    await makeFolder(path);
    return;
  }
  if (type !== 0 && type !== TYPE_FILE && type !== TYPE_LINK)
    throw invalidParameter(`The deployment package has an entry that is no file: ${name}`);
  const content = await openEntry(file, entry);
  if (type === TYPE_LINK) {
    unpacking.links.set(plain, await readLink(name, content));
    return;
  }
  unpacking.links.delete(plain);
  await makeFolder(dirname(path));
  await pipeline(content, counter(unpacking), checksum(entry, name), createWriteStream(path, { flush: true }));
  await chmod(path, (mode & 0o111) === 0 ? 0o644 : 0o755);
}

/** Functions have users of their own: what is unpacked for them is readable in spite of the server's file mode mask. */
async function makeFolder(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true });
  for (let at = path; first !== undefined && at.length >= first.length; at = dirname(at)) await chmod(at, 0o755);
}

/** No entry goes through a link, whose place the files are not in. */
function checkParents(name: string, unpacking: Unpacking): void {
  for (let at = posix.dirname(name); at !== "." && at !== "/"; at = posix.dirname(at)) {
    if (unpacking.links.has(at)) throw invalidParameter(`The deployment package writes through a link: ${name}`);
  }
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
function checksum(entry: Entry, name: string): Transform {
  let sum = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      sum = crc32(chunk, sum);
      done(null, chunk);
    },
    flush(done) {
      if (sum === entry.crc32) done();
      else done(invalidParameter(`${NO_ZIP} (the content of ${name} does not have its checksum)`));
    },
  });
}

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
  if (to === "" || to.includes("\0"))
    throw invalidParameter(`The deployment package has a link that leads nowhere: ${name}`);
  return to;
}
