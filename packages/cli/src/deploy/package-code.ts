/** Code as a zip: a folder packed the same way every time, a .zip or .jar as it is, another file alone in one. */
import { closeSync, constants, openSync, readFileSync, statSync } from "node:fs";
import { basename, resolve } from "node:path";
import { getSystemErrorMessage } from "node:util";
import { ZipFile } from "yazl";
import { CommandError } from "@thaw/installation/command-error";
import { listFiles, type PackedFile } from "./folder-files.ts";
import { buildOf, notThere } from "./not-there.ts";

/** Equal content is an equal zip, so that a deploy without changes publishes nothing. */
const MTIME = new Date(Date.UTC(1980, 0, 1, 12));
const PRIME_FILE = "thaw.prime.json";
/** How a zip begins; one without entries begins with its end. */
const ZIP_BEGINNINGS = [Buffer.from("PK\u0003\u0004"), Buffer.from("PK\u0005\u0006")];
const LINK_MODE = 0o120777;

/** Reads a file that a template names. Throws CommandError where it is not there, or is no file. */
export function readFileOrFail(full: string): Buffer {
  const found = statSync(full, { throwIfNoEntry: false });
  if (found === undefined) throw new CommandError(`${full} is not there`);
  // Nothing else is opened: reading a pipe would never end.
  if (!found.isFile()) throw new CommandError(`${full} is no file`);
  return readFileSync(full);
}

/** `primes`: the text of thaw.prime.json, added to a folder's files. */
export async function packageCode(baseDir: string, path: string, primes: string | null = null): Promise<Buffer> {
  const full = resolve(baseDir, path);
  const found = statSync(full, { throwIfNoEntry: false });
  if (found === undefined) throw new CommandError(notThere(full));
  if (found.isDirectory()) return packFiles(full, listFiles(full), primes);
  // Nothing else is opened: reading a pipe would never end.
  if (!found.isFile()) throw new CommandError(`${full} can't be deployed: it is no file and no folder`);
  const content = readFileSync(full);
  if (!ZIP_BEGINNINGS.some((begin) => content.subarray(0, begin.length).equals(begin))) {
    const isExecutable = (found.mode & 0o111) !== 0;
    return packFiles(full, [{ name: basename(full), content: { kind: "file", path: full }, isExecutable }], primes);
  }
  if (primes !== null)
    throw new CommandError(`${full} is packed already: put ${PRIME_FILE} into it instead of Metadata.Thaw.Prime`);
  return content;
}

function packFiles(full: string, files: readonly PackedFile[], primes: string | null): Promise<Buffer> {
  if (files.length === 0) {
    const build = buildOf(full);
    throw new CommandError(`${full} has no files${build === null ? "" : `. Make them: ${build}`}`);
  }
  const zip = new ZipFile();
  addPrimes(zip, primes);
  for (const { name, content, isExecutable } of files) {
    if (primes !== null && name === PRIME_FILE)
      throw new CommandError(`${full}/${name}: the template's Metadata.Thaw.Prime says the same; keep one of them`);
    if (content.kind === "link") zip.addBuffer(Buffer.from(content.to), name, { mtime: MTIME, mode: LINK_MODE });
    else zip.addBuffer(contentOf(content.path), name, { mtime: MTIME, mode: isExecutable ? 0o100755 : 0o100644 });
  }
  return finish(zip);
}

/** Reads a file. One of the kernel's that would wait for something to happen is an error instead. */
function contentOf(path: string): Buffer {
  let file: number | null = null;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    return readFileSync(file);
  } catch (error) {
    const { errno = 0 } = error as NodeJS.ErrnoException;
    throw new CommandError(`${path} can't be packed: ${getSystemErrorMessage(errno)}`);
  } finally {
    if (file !== null) closeSync(file);
  }
}

/** InlineCode: one file, named as the handler wants it. */
export function packageInline(text: string, runtime: string, primes: string | null = null): Promise<Buffer> {
  const zip = new ZipFile();
  addPrimes(zip, primes);
  zip.addBuffer(Buffer.from(text), runtime.startsWith("python") ? "index.py" : "index.js", {
    mtime: MTIME,
    mode: 0o100644,
  });
  return finish(zip);
}

function addPrimes(zip: ZipFile, primes: string | null): void {
  if (primes !== null) zip.addBuffer(Buffer.from(primes), PRIME_FILE, { mtime: MTIME, mode: 0o100644 });
}

async function finish(zip: ZipFile): Promise<Buffer> {
  zip.end();
  const parts: Buffer[] = [];
  for await (const part of zip.outputStream as AsyncIterable<Buffer>) parts.push(part);
  return Buffer.concat(parts);
}
