/**
 * Images as sandboxes have them: DATA/code/image-DIGEST is the root, made of the layers in DATA/images. Its files are
 * links to those of the layers, so that what images have in common is on disk, and in memory, once.
 */
import { createHash } from "node:crypto";
import { chmod, lstat, mkdir, mkdtemp, readdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { syncDirectory } from "../base/durable-files.ts";
import type { RoomWatch } from "../base/disk-room.ts";
import { removeTree } from "../base/remove-tree.ts";
import type { CodeInfo } from "../model/code-info.ts";
import type { FoundImage, ImageLayer } from "../ports/image-source.ts";
import { type LayerFacts, readLayerFacts, spend, treeOf, unpackLayer, wholeAllowance } from "./image-layers.ts";
import type { ContentHolds } from "./content-holds.ts";
import { checkManifestSizes, lookAhead } from "./look-ahead.ts";
import { mergeInto, typeOf } from "./merged-layers.ts";

const PARTIAL = ".partial-";

interface Places {
  readonly codeDir: string;
  readonly imageDir: string;
  readonly syncAll: SyncAll;
  readonly holds: ContentHolds;
  /** For each image that is unpacked. */
  readonly watchRoom: () => RoomWatch;
  /** Keeps what is equal apart, as with packages. */
  readonly salt: string;
}

/** Makes all that was written durable on the file system that has this path. */
export type SyncAll = (path: string) => Promise<void>;

export async function unpackImage(
  { codeDir, imageDir, syncAll, holds, watchRoom, salt }: Places,
  image: FoundImage,
): Promise<CodeInfo> {
  const nameOf = (digest: string): string =>
    (salt === "" ? digest : createHash("sha256").update(`${salt}\n${digest}`).digest("hex")).slice(0, 40);
  const codeName = `image-${nameOf(image.digest)}`;
  const { uri, resolvedUri, start, environment, allowsSnapStart } = image;
  const layerNames = image.layers.map(({ diffId }) => `layer-${nameOf(diffId)}`);
  const info: CodeInfo = {
    codeName,
    codeSha256: image.digest,
    codeSizeBytes: 0,
    image: { uri, resolvedUri, start, environment, allowsSnapStart, layerNames },
  };
  const target = join(codeDir, codeName);
  for (const name of [codeName, ...layerNames]) await holds.touch(name);
  if ((await typeOf(target)) !== null) return info;
  const partial = await mkdtemp(join(imageDir, PARTIAL));
  try {
    const layerDirs = await unpackLayers(image, layerNames, { imageDir, partial, watch: watchRoom() });
    const root = join(partial, "root");
    await mkdir(root);
    for (const dir of layerDirs) await putOver(root, dir);
    await chmod(root, 0o755);
    // Thousands of files: one by one it would take minutes.
    await syncAll(partial);
    for (const name of new Set(layerNames)) await place(join(partial, name), join(imageDir, name));
    await syncDirectory(imageDir);
    await place(root, target);
    await syncDirectory(codeDir);
  } finally {
    await removeTree(partial);
  }
  return info;
}

/** Unpacks what is not there yet. Returns where each layer is. */
async function unpackLayers(
  image: FoundImage,
  names: readonly string[],
  { imageDir, partial, watch }: { readonly imageDir: string; readonly partial: string; readonly watch: RoomWatch },
): Promise<readonly string[]> {
  const left = wholeAllowance();
  await refuseEarly(image, names, imageDir);
  const dirs: string[] = [];
  for (const [at, layer] of image.layers.entries()) {
    const name = names[at] ?? "";
    const here = [imageDir, partial].map((dir) => join(dir, name));
    const found = await firstOf(here);
    const dir = found ?? join(partial, name);
    if (found === null) await unpackLayer(image, layer, dir, left, watch);
    else spend(image.uri, left, await readLayerFacts(dir));
    dirs.push(dir);
  }
  return dirs;
}

/** Throws an ApiError where the image has too much, as far as that can be told before anything is written. */
async function refuseEarly(image: FoundImage, names: readonly string[], imageDir: string): Promise<void> {
  checkManifestSizes(image);
  const left = wholeAllowance();
  const fresh: ImageLayer[] = [];
  for (const [at, layer] of image.layers.entries()) {
    const dir = join(imageDir, names[at] ?? "");
    if ((await typeOf(dir)) === null) fresh.push(layer);
    else spend(image.uri, left, await readLayerFacts(dir));
  }
  await lookAhead(image, fresh, left);
}

async function firstOf(paths: readonly string[]): Promise<string | null> {
  for (const path of paths) if ((await typeOf(path)) !== null) return path;
  return null;
}

async function putOver(root: string, layerDir: string): Promise<void> {
  const { removed, opaque }: LayerFacts = await readLayerFacts(layerDir);
  // Looked at once: a layer may have a hundred thousand whiteouts, each deep down. Where one of them was removed
  // meanwhile, nothing is found below it.
  const known = new Set<string>();
  for (const path of removed) {
    if (await hasFolders(root, parentOf(path), known)) await removeTree(join(root, path));
  }
  for (const path of opaque) {
    if (await hasFolders(root, path, known)) await empty(join(root, path));
  }
  await mergeInto(root, treeOf(layerDir));
}

async function empty(dir: string): Promise<void> {
  const names = await readdir(dir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  for (const name of names) await removeTree(join(dir, name));
}

/**
 * True where all of the way is folders: nothing is removed through a link.
 *
 * @param known - Those that were found to be; some of them may have been removed since.
 */
async function hasFolders(root: string, path: string, known: Set<string>): Promise<boolean> {
  let at = root;
  for (const part of path.split("/").filter((each) => each !== "")) {
    at = join(at, part);
    if (known.has(at)) continue;
    const found = await lstat(at).catch(() => null);
    if (found?.isDirectory() !== true) return false;
    known.add(at);
  }
  return true;
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf("/"), 0));
}

/** Moves a folder into its place. Another request may have brought the same one meanwhile; then nothing is moved. */
async function place(from: string, to: string): Promise<void> {
  if ((await typeOf(from)) === null) return;
  await rename(from, to).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error;
  });
}
