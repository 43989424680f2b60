/**
 * A layer of an image, unpacked by a user without rights: DATA/images/layer-DIGEST has its files in `tree`, and in
 * `layer.json` what it removes from the layers below (OCI image specification, layer.md, "Whiteouts").
 *
 * The archive is foreign. No entry leads out of the tree or goes through a link; links themselves may name anything:
 * they are resolved in the sandbox, where the image is the root. Owners and extended attributes are left out, and of
 * the modes what is for others stays: functions have users of their own.
 */
import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { chmod, link, mkdir, readFile, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { ALL_ROOM, type RoomWatch } from "../base/disk-room.ts";
import { readTar, type TarEntry, TarError } from "../base/tar.ts";
import { invalidImage } from "../model/image-problems.ts";
import type { FoundImage, ImageLayer } from "../ports/image-source.ts";

/** AWS's limit on an image, uncompressed. */
export const IMAGE_SIZE_BYTES_MAX = 10 * 1024 ** 3;
export const IMAGE_ENTRIES_MAX = 100_000;
/**
 * Of the paths of all entries together, which are in memory while an image is unpacked: 335 bytes for each of the most
 * entries. They cost an archive next to nothing, as they are much alike.
 */
export const IMAGE_PATHS_SIZE_BYTES_MAX = 32 * 1024 * 1024;
const DEPTH_MAX = 128;
const NAME_SIZE_BYTES_MAX = 255;
const PATH_SIZE_BYTES_MAX = 4096;
/** Files up to this size are written beside one another. */
const SMALL_FILE_SIZE_BYTES_MAX = 256 * 1024;
const AT_ONCE = 16;
const WHITEOUT = ".wh.";
const OPAQUE = ".wh..wh..opq";
/** Of aufs, which wrote the first images; it means nothing to others. */
const AUFS = ".wh..wh.";

/** What a layer does besides bringing files. */
export interface LayerFacts {
  /** Paths that the layers below no longer have. */
  readonly removed: readonly string[];
  /** Folders of which nothing is left but what this layer brings. */
  readonly opaque: readonly string[];
  readonly entries: number;
  /** Missing in layers that an older Thaw has unpacked. */
  readonly pathsSizeBytes?: number;
  /** Size of the archive, uncompressed. */
  readonly sizeBytes: number;
}

/** What an image may still have. */
export interface Allowance {
  entries: number;
  pathsSizeBytes: number;
  sizeBytes: number;
}

export function wholeAllowance(): Allowance {
  return {
    entries: IMAGE_ENTRIES_MAX,
    pathsSizeBytes: IMAGE_PATHS_SIZE_BYTES_MAX,
    sizeBytes: IMAGE_SIZE_BYTES_MAX,
  };
}

export async function readLayerFacts(dir: string): Promise<LayerFacts> {
  return JSON.parse(await readFile(join(dir, "layer.json"), "utf8")) as LayerFacts;
}

const TOO_MANY_ENTRIES = `it has more than ${IMAGE_ENTRIES_MAX} files and folders`;
const PATHS_TOO_LONG = `the paths of its files and folders have more than ${IMAGE_PATHS_SIZE_BYTES_MAX} bytes together`;

/** Takes what a layer has from what is left. Throws an ApiError where that is too little. */
export function spend(
  uri: string,
  left: Allowance,
  { entries, pathsSizeBytes = 0, sizeBytes }: Pick<LayerFacts, "entries" | "pathsSizeBytes" | "sizeBytes">,
): void {
  left.entries -= entries;
  left.pathsSizeBytes -= pathsSizeBytes;
  left.sizeBytes -= sizeBytes;
  if (left.entries < 0) throw invalidImage(uri, TOO_MANY_ENTRIES);
  if (left.pathsSizeBytes < 0) throw invalidImage(uri, PATHS_TOO_LONG);
  if (left.sizeBytes < 0) throw invalidImage(uri, `it has more than ${IMAGE_SIZE_BYTES_MAX} bytes, uncompressed`);
}

/** Unpacks a layer into the new folder `dir`. Throws an ApiError where it is damaged, hostile or too large. */
export async function unpackLayer(
  image: FoundImage,
  layer: ImageLayer,
  dir: string,
  left: Allowance,
  watch: RoomWatch = ALL_ROOM,
): Promise<void> {
  const { uri } = image;
  await mkdir(treeOf(dir), { recursive: true, mode: 0o755 });
  const blob = createHash("sha256");
  const content = createHash("sha256");
  const before = { ...left };
  let blobSizeBytes = 0;
  const unpacking = new Unpacking(treeOf(dir), left);
  const source = await image.open(layer);
  const checks = [
    counting((size, _added, part) => {
      blob.update(part);
      blobSizeBytes = size;
      return size > layer.sizeBytes ? new LayerError("a layer is longer than its manifest says") : null;
    }),
    ...decompressors[layer.compression](),
    counting((_size, added, part) => {
      content.update(part);
      left.sizeBytes -= added;
      if (left.sizeBytes < 0) return new LayerError(`it has more than ${IMAGE_SIZE_BYTES_MAX} bytes, uncompressed`);
      return watch(added);
    }),
  ];
  try {
    const read = (tar: AsyncIterable<Buffer>): Promise<void> => readTar(tar, (entry) => unpacking.take(entry));
    await (pipeline as (parts: readonly unknown[]) => Promise<void>)([source, ...checks, read]);
    if (blobSizeBytes !== layer.sizeBytes) throw new LayerError("a layer is shorter than its manifest says");
    if (blob.digest("hex") !== layer.digest)
      throw new LayerError("the blob of a layer has another digest than its name");
    if (content.digest("hex") !== layer.diffId)
      throw new LayerError("the content of a layer has another digest than the configuration says");
    await unpacking.finish();
  } catch (error) {
    // Nothing may be written any more when the folder is removed.
    await unpacking.finish().catch(() => undefined);
    throw explain(uri, error);
  } finally {
    source.destroy();
  }
  const facts: LayerFacts = {
    removed: unpacking.removed,
    opaque: unpacking.opaque,
    entries: before.entries - left.entries,
    pathsSizeBytes: before.pathsSizeBytes - left.pathsSizeBytes,
    sizeBytes: before.sizeBytes - left.sizeBytes,
  };
  await writeFile(join(dir, "layer.json"), JSON.stringify(facts));
}

export const decompressors: Readonly<Record<ImageLayer["compression"], () => Transform[]>> = {
  none: () => [],
  gzip: () => [createGunzip()],
  zstd: () => [createZstdDecompress()],
};

/** What is wrong with a layer. */
class LayerError extends Error {}

/** @param problemOf - Given all bytes so far, how many of them are new, and the new ones. */
export function counting(problemOf: (sizeBytes: number, addedBytes: number, part: Buffer) => Error | null): Transform {
  let sizeBytes = 0;
  return new Transform({
    transform(part: Buffer, _encoding, done) {
      sizeBytes += part.length;
      const problem = problemOf(sizeBytes, part.length, part);
      if (problem === null) done(null, part);
      else done(problem);
    },
  });
}

const SYSTEM_PROBLEMS: Readonly<Record<string, string>> = {
  EEXIST: "a layer has two entries of one name",
  ENOTDIR: "a layer has a file where another entry needs a folder",
  EISDIR: "a layer has a folder where another entry is a file",
  ENAMETOOLONG: "a layer has a name that is too long",
  EMLINK: "a layer has a file with more names than this host's file system allows",
};

function explain(uri: string, error: unknown): unknown {
  const { code = "", message } = error as NodeJS.ErrnoException;
  if (error instanceof LayerError) return invalidImage(uri, message);
  if (error instanceof TarError) return invalidImage(uri, `a layer is damaged: ${message}`);
  if (/^(Z_|ZSTD_|ERR_ZSTD)/.test(code)) return invalidImage(uri, `a layer can't be decompressed: ${message}`);
  const problem = Object.hasOwn(SYSTEM_PROBLEMS, code) ? SYSTEM_PROBLEMS[code] : undefined;
  return problem === undefined ? error : invalidImage(uri, problem);
}

class Unpacking {
  readonly removed: string[] = [];
  readonly opaque: string[] = [];
  readonly #tree: string;
  readonly #left: Allowance;
  /** What has been made so far, by its path. */
  readonly #made = new Map<string, "folder" | "file" | "link">([["", "folder"]]);
  /** Files that are being written. */
  #writing: Promise<void>[] = [];

  constructor(tree: string, left: Allowance) {
    this.#tree = tree;
    this.#left = left;
  }

  async take(entry: TarEntry): Promise<void> {
    this.#count(entry.path);
    const parts = partsOf(entry.path);
    const name = parts.at(-1);
    const parent = parts.slice(0, -1);
    if (name === undefined) return drop(entry);
    await this.#makeParents(parent);
    if (name.startsWith(WHITEOUT)) {
      this.#whiteOut(parent, name);
      return drop(entry);
    }
    switch (entry.type) {
      case "File":
      case "OldFile":
      case "ContiguousFile":
        return this.#file(parts, entry);
      case "Directory":
        await this.#folder(parts, (entry.mode ?? 0o755) & 0o777);
        return drop(entry);
      case "SymbolicLink":
        await this.#link(parts, entry.linkpath ?? "");
        return drop(entry);
      case "Link":
        await this.#hardLink(parts, entry.linkpath ?? "");
        return drop(entry);
      default:
        // The sandbox has a /dev of its own, and nothing of the image's is seen there.
        if (parts[0] === "dev") return drop(entry);
        throw new LayerError(`/${shown(parts)} is a device or a pipe`);
    }
  }

  #count(path: string): void {
    this.#left.pathsSizeBytes -= Buffer.byteLength(path);
    if (--this.#left.entries < 0) throw new LayerError(TOO_MANY_ENTRIES);
    if (this.#left.pathsSizeBytes < 0) throw new LayerError(PATHS_TOO_LONG);
  }

  /** Waits for all that is being written. */
  async finish(): Promise<void> {
    const writing = this.#writing;
    this.#writing = [];
    const failed = (await Promise.allSettled(writing)).find((each) => each.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }

  #whiteOut(parent: readonly string[], name: string): void {
    if (name === OPAQUE) this.opaque.push(parent.join("/"));
    else if (!name.startsWith(AUFS)) {
      const removed = name.slice(WHITEOUT.length);
      if (removed === "" || removed === "." || removed === "..")
        throw new LayerError(`the whiteout /${shown([...parent, name])} names nothing`);
      this.removed.push([...parent, removed].join("/"));
    }
  }

  /** No entry goes through a link, whose place the files are not in. */
  async #makeParents(parts: readonly string[]): Promise<void> {
    for (let length = 1; length <= parts.length; length++) {
      const at = parts.slice(0, length);
      const path = at.join("/");
      const found = this.#made.get(path);
      if (found === undefined) {
        // Of a long path each folder is one that the host has to keep.
        this.#count(path);
        await this.#folder(at, 0o755);
      } else if (found !== "folder")
        throw new LayerError(`a layer has a ${found} /${shown(at)} where another entry needs a folder`);
    }
  }

  async #folder(parts: readonly string[], mode: number): Promise<void> {
    const key = parts.join("/");
    const found = this.#made.get(key);
    const path = join(this.#tree, key);
    if (found !== "folder") {
      if (found !== undefined) await this.#remove(path);
      await mkdir(path);
      this.#made.set(key, "folder");
    }
    await chmod(path, mode | 0o700);
  }

  /** Of several entries of one name the last one counts. */
  async #makeRoom(parts: readonly string[], kind: "file" | "link"): Promise<string> {
    const key = parts.join("/");
    const path = join(this.#tree, key);
    const found = this.#made.get(key);
    if (found === "folder")
      throw new LayerError(`a layer has a folder /${shown(parts)} where another entry is a ${kind}`);
    if (found !== undefined) await this.#remove(path);
    this.#made.set(key, kind);
    return path;
  }

  async #remove(path: string): Promise<void> {
    await this.finish();
    await rm(path);
  }

  async #file(parts: readonly string[], entry: TarEntry): Promise<void> {
    if (parts.includes("GNUSparseFile.0"))
      throw new LayerError(`/${shown(parts)} is a sparse file, which no image has`);
    const path = await this.#makeRoom(parts, "file");
    const finish = async (): Promise<void> => {
      await chmod(path, ((entry.mode ?? 0o644) & 0o777) | 0o400);
      // Programs compare it with what they have made of the file, as Python does.
      const { mtime } = entry;
      if (mtime !== undefined && Number.isFinite(mtime.getTime())) await utimes(path, mtime, mtime);
    };
    if (entry.size > SMALL_FILE_SIZE_BYTES_MAX) {
      await pipeline(Readable.from(entry), createWriteStream(path, { flags: "wx" }));
      return finish();
    }
    const content = await entry.concat();
    const written = writeFile(path, content, { flag: "wx" }).then(finish);
    // Looked at by `finish`; until then it is nobody's.
    written.catch(() => undefined);
    this.#writing.push(written);
    if (this.#writing.length >= AT_ONCE) await this.finish();
  }

  async #link(parts: readonly string[], to: string): Promise<void> {
    if (to === "" || to.includes("\0") || Buffer.byteLength(to) > PATH_SIZE_BYTES_MAX)
      throw new LayerError(`the link /${shown(parts)} leads nowhere`);
    await symlink(to, await this.#makeRoom(parts, "link"));
  }

  /** The file must be in the same layer: what is below may be another one in the next image. */
  async #hardLink(parts: readonly string[], to: string): Promise<void> {
    const source = partsOf(to).join("/");
    const kind = this.#made.get(source);
    if (kind === undefined || kind === "folder" || source === parts.join("/"))
      throw new LayerError(`the hard link /${shown(parts)} leads to no file of its layer`);
    await this.finish();
    await link(join(this.#tree, source), await this.#makeRoom(parts, kind));
  }
}

/** Throws a LayerError where the name leads out, or is none that a file system has. */
function partsOf(path: string): readonly string[] {
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.includes("..")) throw new LayerError(`/${shown(parts)} leads out of the image`);
  const isTooLong =
    Buffer.byteLength(path) > PATH_SIZE_BYTES_MAX ||
    parts.length > DEPTH_MAX ||
    parts.some((part) => Buffer.byteLength(part) > NAME_SIZE_BYTES_MAX);
  if (isTooLong) throw new LayerError(`/${shown(parts)} is too long or too deep`);
  if (path.includes("\0")) throw new LayerError(`/${shown(parts)} has a NUL character`);
  return parts;
}

function drop(entry: TarEntry): void {
  entry.resume();
}

function shown(parts: readonly string[]): string {
  return parts.join("/").slice(0, 200);
}

/** The files of an unpacked layer. */
export function treeOf(layerDir: string): string {
  return join(layerDir, "tree");
}
