/** Where images may lie: in the registries and below the directory that the operator named, and nowhere else. */
import type { Clock } from "../base/clock.ts";
import type { RoomWatch } from "../base/disk-room.ts";
import { Slots } from "../base/slots.ts";
import { realpath, stat } from "node:fs/promises";
import { resolve, sep } from "node:path";
import { addAbortSignal } from "node:stream";
import { deniedImage, missingImage } from "../model/image-problems.ts";
import type { FoundImage, ImageSource } from "../ports/image-source.ts";
import { withArchive } from "./archive.ts";
import { readLayout } from "./layout.ts";
import { type ImageReference, type LocalReference, parseReference } from "./reference.ts";
import { findInRegistry } from "./registry.ts";
import { accessTo, type RegistryOptions } from "./registry-access.ts";

/**
 * Each may have an archive laid out, and be unpacked; those of other requests wait. Images in files have places of
 * their own: a registry may take long, and a file does not.
 */
const AT_ONCE = 4;

export interface ImageSourceOptions extends RegistryOptions {
  /** Null: functions can't name files of this host. */
  readonly directory: string | null;
  /** Archives are laid out here, one folder for each that is being read. */
  readonly scratchDir: string;
  /** For each archive that is laid out. */
  readonly watchRoom: () => RoomWatch;
  readonly clock: Clock;
}

/** An image source that can be closed, so that a server that stops does not wait for a registry. */
export interface ClosableImageSource extends ImageSource {
  close(): void;
}

export function createImageSource(options: ImageSourceOptions): ClosableImageSource {
  const slots = { near: new Slots(AT_ONCE), far: new Slots(AT_ONCE) };
  const closing = new AbortController();
  return {
    withImage: async (uri, use) => {
      const reference = parseReference(uri);
      const { near, far } = slots;
      return (reference.kind === "registry" ? far : near).run(() =>
        withImage({ ...options, closed: closing.signal }, reference, use),
      );
    },
    close: () => closing.abort(),
  };
}

async function withImage<T>(
  options: ImageSourceOptions & { readonly closed: AbortSignal },
  reference: ImageReference,
  use: (image: FoundImage) => Promise<T>,
): Promise<T> {
  const { closed, scratchDir } = options;
  const endable = (image: FoundImage): Promise<T> =>
    use({ ...image, open: async (layer) => addAbortSignal(closed, await image.open(layer)) });
  if (reference.kind === "registry")
    return endable(await findInRegistry(reference, await accessTo(reference.host, options), options));
  const path = await pathOf(reference, options.directory);
  if (reference.kind === "layout") return endable(await readLayout(reference, path));
  return withArchive(
    reference.uri,
    path,
    scratchDir,
    async (dir) => endable(await readLayout(reference, dir)),
    closed,
    options.watchRoom(),
  );
}

/** Finds the folder or file. One outside of the operator's directory is refused the same whether or not it is there. */
async function pathOf({ uri, kind, path }: LocalReference, directory: string | null): Promise<string> {
  if (directory === null)
    throw deniedImage("this server reads no images of its host: name their directory with --image-dir DIR");
  const base = await realpath(directory).catch(() => null);
  const wanted = resolve(directory, path);
  const isInside = (place: string, root: string): boolean => place === root || place.startsWith(`${root}${sep}`);
  if (base === null || !isInside(wanted, resolve(directory)))
    throw deniedImage("it is not below the directory of images of this server");
  const found = await realpath(wanted).catch(() => null);
  if (found === null) throw missingImage(uri);
  if (!isInside(found, base)) throw deniedImage("it is not below the directory of images of this server");
  const facts = await stat(found).catch(() => null);
  if (facts === null || (kind === "layout" ? !facts.isDirectory() : !facts.isFile())) throw missingImage(uri);
  return found;
}
