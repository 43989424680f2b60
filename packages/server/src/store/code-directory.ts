/**
 * Deployment packages and layers on disk: DATA/code/NAME is the unpacked code, DATA/packages/NAME.zip what the client
 * sent, DATA/opt/NAME what layers are merged into (merged-layers.ts). An image is unpacked to DATA/code, too, out of
 * its layers in DATA/images (image-roots.ts). The name comes from the content, so that equal packages are kept once
 * and a crash leaves nothing half-written under a name that is used.
 */
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { syncDirectory, writeSynced } from "../base/durable-files.ts";
import { ALL_ROOM, type RoomWatch } from "../base/disk-room.ts";
import { removeTree } from "../base/remove-tree.ts";
import type { CodeInfo } from "../model/code-info.ts";
import type { CodeStore } from "../ports/code-store.ts";
import { ContentHolds, type ContentInUse } from "./content-holds.ts";
import { findTexts } from "./find-texts.ts";
import { type SyncAll, unpackImage } from "./image-roots.ts";
import { isMerged, mergeLayers, sizeOfTree } from "./merged-layers.ts";
import { unzip } from "./unzip.ts";

const PARTIAL = ".partial-";
const ZIP = ".zip";

/**
 * A code store, which names contents by themselves alone; `of` gives one for another account, whose names are of the
 * account, too: nobody can tell by the time that it takes whether somebody else has the same package.
 */
export interface CodeDirectory extends CodeStore {
  of(accountId: string): CodeStore;
  /** Unpacks a package that another host has named. Durable when it resolves. */
  bring(codeName: string, zip: Buffer): Promise<void>;
  /**
   * Removes the contents that nothing names or runs; beside requests that bring contents. `look` is asked twice.
   * Returns how many contents that nothing names are still there.
   */
  removeUnnamed(look: () => Promise<ContentInUse>): Promise<number>;
  /** Sets who hears that a content was brought that may stay unnamed. */
  onBrought(heard: () => void): void;
}

/** @param watchRoom - For each image that is unpacked. */
export async function openCodeDirectory(
  dataDir: string,
  syncAll: SyncAll,
  watchRoom: () => RoomWatch = () => ALL_ROOM,
): Promise<CodeDirectory> {
  const codeDir = join(dataDir, "code");
  const packageDir = join(dataDir, "packages");
  const optDir = join(dataDir, "opt");
  const imageDir = join(dataDir, "images");
  for (const dir of [codeDir, packageDir, optDir, imageDir]) await mkdir(dir, { recursive: true, mode: 0o755 });
  let heard = (): void => undefined;
  const holds = new ContentHolds(() => heard());
  const own: CodeStore = {
    unpack: (zip) => unpack({ codeDir, packageDir, holds, salt: "" }, zip),
    unpackImage: (image) => unpackImage({ codeDir, imageDir, syncAll, holds, watchRoom, salt: "" }, image),
    readZip: (codeName) => readFile(join(packageDir, `${codeName}.zip`)).catch(() => null),
    findTexts: (name, texts) => findTexts(join(isMerged(name) ? optDir : codeDir, name), texts, join(codeDir, PARTIAL)),
    unpackedSizeOf: (codeName) => sizeOfTree(join(codeDir, codeName)),
    merge: async (optName, codeNames) => {
      await holds.touch(optName);
      await mergeLayers(
        optDir,
        optName,
        codeNames.map((codeName) => join(codeDir, codeName)),
      );
    },
    hold: (work) => holds.hold(work),
    sweep: async (used) => sweep([codeDir, optDir, imageDir], packageDir, await used()),
  };
  const of = (accountId: string): CodeStore => ({
    ...own,
    unpack: (zip) => unpack({ codeDir, packageDir, holds, salt: accountId }, zip),
    unpackImage: (image) => unpackImage({ codeDir, imageDir, syncAll, holds, watchRoom, salt: accountId }, image),
  });
  const places = { directories: [codeDir, optDir, imageDir], packageDir };
  return {
    ...own,
    of,
    bring: (codeName, zip) => unpackAs(codeName, { codeDir, packageDir, holds }, zip),
    removeUnnamed: (look) =>
      holds.sweep({ look, list: () => namesIn(places), remove: (name) => removeContent(places, name) }),
    onBrought: (hear) => {
      heard = hear;
    },
  };
}

/** Where packages are unpacked; `salt` keeps equal ones apart. */
interface Unpacked {
  readonly codeDir: string;
  readonly packageDir: string;
  readonly holds: ContentHolds;
  readonly salt: string;
}

async function unpack({ codeDir, packageDir, holds, salt }: Unpacked, zip: Buffer): Promise<CodeInfo> {
  const digest = createHash("sha256").update(zip).digest();
  const name = salt === "" ? digest : createHash("sha256").update(`${salt}\n`).update(digest).digest();
  const codeName = `code-${name.toString("hex").slice(0, 40)}`;
  await unpackAs(codeName, { codeDir, packageDir, holds }, zip);
  return { codeName, codeSha256: digest.toString("base64"), codeSizeBytes: zip.length };
}

async function unpackAs(
  codeName: string,
  { codeDir, packageDir, holds }: Omit<Unpacked, "salt">,
  zip: Buffer,
): Promise<void> {
  const target = join(codeDir, codeName);
  await holds.touch(codeName);
  if (await exists(target)) return;
  const partial = await mkdtemp(join(codeDir, PARTIAL));
  try {
    await unzip(zip, partial);
    // Named after our own folder: another request may be writing the same package.
    await writeWhole(join(packageDir, `${codeName}.zip`), basename(partial), zip);
    await rename(partial, target).catch(async (error: NodeJS.ErrnoException) => {
      // The same package, unpacked by another request at the same time.
      if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error;
    });
    await syncDirectory(codeDir);
  } finally {
    await removeTree(partial);
  }
}

async function writeWhole(path: string, suffix: string, content: Buffer): Promise<void> {
  await writeSynced(`${path}${suffix}`, content);
  await rename(`${path}${suffix}`, path);
}

async function sweep(directories: readonly string[], packageDir: string, used: ReadonlySet<string>): Promise<void> {
  for (const dir of directories) {
    for (const name of await readdir(dir)) {
      if (!used.has(name)) await removeTree(join(dir, name));
    }
  }
  for (const name of await readdir(packageDir)) {
    if (!used.has(name.replace(/\.zip$/, ""))) await rm(join(packageDir, name), { force: true });
  }
}

interface Places {
  readonly directories: readonly string[];
  readonly packageDir: string;
}

/** Names of all contents that are there whole, or of which a zip is left. */
async function namesIn({ directories, packageDir }: Places): Promise<readonly string[]> {
  const names = new Set<string>();
  for (const dir of directories) for (const name of await readdir(dir)) if (!name.startsWith(PARTIAL)) names.add(name);
  for (const name of await readdir(packageDir)) if (name.endsWith(ZIP)) names.add(name.slice(0, -ZIP.length));
  return [...names];
}

/** Takes the name away first, in one step: after a crash the next start finds a partial one, and removes it. */
async function removeContent({ directories, packageDir }: Places, name: string): Promise<void> {
  for (const dir of directories) {
    if (!(await exists(join(dir, name)))) continue;
    const partial = await mkdtemp(join(dir, PARTIAL));
    try {
      await rename(join(dir, name), join(partial, name));
    } finally {
      await removeTree(partial);
    }
  }
  await rm(join(packageDir, `${name}${ZIP}`), { force: true });
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
