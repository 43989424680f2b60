/** Code as a zip: a folder packed the same way every time, a .zip or .jar as it is. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, statSync } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { ZipFile } from "yazl";
import { CommandError } from "../command-error.ts";

/** Equal content is an equal zip, so that a deploy without changes publishes nothing. */
const MTIME = new Date(Date.UTC(1980, 0, 1, 12));
const IGNORED = new Set([".git", ".aws-sam", "node_modules/.cache", "__pycache__", ".DS_Store"]);

export async function packageCode(baseDir: string, path: string): Promise<Buffer> {
  const full = resolve(baseDir, path);
  if (!existsSync(full)) throw new CommandError(`${full} is not there; is the code built?`);
  if (!statSync(full).isDirectory()) return readFileSync(full);
  const zip = new ZipFile();
  for (const file of await filesOf(full)) {
    const { mode } = await stat(file);
    zip.addBuffer(await readFile(file), relative(full, file), { mtime: MTIME, mode: (mode & 0o111) === 0 ? 0o100644 : 0o100755 });
  }
  return finish(zip);
}

/** InlineCode: one file, named as the handler wants it. */
export function packageInline(text: string, runtime: string): Promise<Buffer> {
  const zip = new ZipFile();
  zip.addBuffer(Buffer.from(text), runtime.startsWith("python") ? "index.py" : "index.js", { mtime: MTIME, mode: 0o100644 });
  return finish(zip);
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
