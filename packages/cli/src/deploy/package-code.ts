/** Code as a zip: a folder packed the same way every time, a .zip or .jar as it is. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, statSync } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { ZipFile } from "yazl";
import { CommandError } from "@thaw/installation/command-error";

/** Equal content is an equal zip, so that a deploy without changes publishes nothing. */
const MTIME = new Date(Date.UTC(1980, 0, 1, 12));
const PRIME_FILE = "thaw.prime.json";
const IGNORED = new Set([".git", ".aws-sam", "node_modules/.cache", "__pycache__", ".DS_Store"]);

/** `primes`: the text of thaw.prime.json, added to a folder's files. */
export async function packageCode(baseDir: string, path: string, primes: string | null = null): Promise<Buffer> {
  const full = resolve(baseDir, path);
  if (!existsSync(full)) throw new CommandError(`${full} is not there; is the code built?`);
  if (!statSync(full).isDirectory()) {
    if (primes !== null)
      throw new CommandError(`${full} is packed already: put ${PRIME_FILE} into it instead of Metadata.Thaw.Prime`);
    return readFileSync(full);
  }
  const zip = new ZipFile();
  addPrimes(zip, primes);
  for (const file of await filesOf(full)) {
    if (primes !== null && relative(full, file) === PRIME_FILE) {
      throw new CommandError(`${file}: the template's Metadata.Thaw.Prime says the same; keep one of them`);
    }
    const { mode } = await stat(file);
    zip.addBuffer(await readFile(file), relative(full, file), {
      mtime: MTIME,
      mode: (mode & 0o111) === 0 ? 0o100644 : 0o100755,
    });
  }
  return finish(zip);
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

export function digestOf(zip: Buffer): string {
  return createHash("sha256").update(zip).digest("base64");
}

async function finish(zip: ZipFile): Promise<Buffer> {
  zip.end();
  const parts: Buffer[] = [];
  for await (const part of zip.outputStream as AsyncIterable<Buffer>) parts.push(part);
  return Buffer.concat(parts);
}

async function filesOf(dir: string): Promise<string[]> {
  const found: string[] = [];
  for (const entry of (await readdir(dir, { withFileTypes: true })).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (IGNORED.has(entry.name)) continue;
    const path = join(dir, entry.name);
    if (entry.isDirectory()) found.push(...(await filesOf(path)));
    else found.push(path);
  }
  return found;
}
