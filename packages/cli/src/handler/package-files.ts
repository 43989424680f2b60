/** The files of a package, in a folder or in a zip, for those who look for a few of them. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join, posix } from "node:path";
import { type Entry, fromBufferPromise } from "yauzl";

/** A file that is larger is not looked into. */
const READ_BYTES_MAX = 64 * 1024 * 1024;
/** As many as the server takes. */
const ENTRIES_MAX = 100_000;

export interface PackageFiles {
  /** Names in a folder of the package; "" is the package itself. Empty where there is no such folder. */
  list(folder: string): readonly string[];
  /** Null: it is not there, or too large to be looked into. */
  read(name: string): Promise<Buffer | null>;
}

/** Reads a folder, a zip or jar, or another file, which is alone in its package. */
export async function readFiles(path: string): Promise<PackageFiles> {
  if (statSync(path).isDirectory()) return filesOfFolder(path);
  const content = readFileSync(path);
  const isZip = content.subarray(0, 2).toString("latin1") === "PK";
  if (isZip) return readZip(content);
  return {
    list: (folder) => (folder === "" ? [basename(path)] : []),
    read: async (name) => (name === basename(path) ? content : null),
  };
}

function filesOfFolder(root: string): PackageFiles {
  return {
    list(folder) {
      try {
        return readdirSync(join(root, folder));
      } catch {
        return [];
      }
    },
    async read(name) {
      const found = statSync(join(root, name), { throwIfNoEntry: false });
      return found?.isFile() === true && found.size <= READ_BYTES_MAX ? readFileSync(join(root, name)) : null;
    },
  };
}

/** Rejects where it is no whole zip. */
export async function readZip(zip: Buffer): Promise<PackageFiles> {
  const file = await fromBufferPromise(zip, { lazyEntries: true });
  const entries = new Map<string, Entry>();
  const folders = new Map<string, Set<string>>();
  let count = 0;
  for await (const entry of file.eachEntry()) {
    if (++count > ENTRIES_MAX) throw new Error(`more than ${ENTRIES_MAX} entries`);
    const name = posix.normalize(entry.fileName);
    if (!name.endsWith("/")) entries.set(name, entry);
    for (let at = name.replace(/\/$/, ""); at !== "." && at !== "/"; at = dirname(at)) {
      const above = dirname(at) === "." ? "" : dirname(at);
      const names = folders.get(above) ?? new Set();
      if (names.has(basename(at))) break;
      folders.set(above, names.add(basename(at)));
    }
  }
  return {
    list: (folder) => [...(folders.get(folder) ?? [])],
    async read(name) {
      const entry = entries.get(name);
      if (entry === undefined || entry.uncompressedSize > READ_BYTES_MAX) return null;
      const parts: Buffer[] = [];
      for await (const part of (await file.openReadStreamPromise(entry)) as AsyncIterable<Buffer>) parts.push(part);
      return Buffer.concat(parts);
    },
  };
}
