/** Where images may lie: in the registries and below the directory that the operator named, and nowhere else. */
import { realpath, stat } from "node:fs/promises";
import { resolve, sep } from "node:path";
import { deniedImage, missingImage } from "../model/image-problems.ts";
import type { ImageSource } from "../ports/image-source.ts";
import { withArchive } from "./archive.ts";
import { readLayout } from "./layout.ts";
import { type LocalReference, parseReference } from "./reference.ts";
import { findInRegistry } from "./registry.ts";
import { accessTo, type RegistryOptions } from "./registry-access.ts";

export interface ImageSourceOptions extends RegistryOptions {
  /** Null: functions can't name files of this host. */
  readonly directory: string | null;
  /** Archives are laid out here, one folder for each that is being read. */
  readonly scratchDir: string;
}

export function createImageSource(options: ImageSourceOptions): ImageSource {
  return {
    async withImage(uri, use) {
      const reference = parseReference(uri);
      if (reference.kind === "registry")
        return use(await findInRegistry(reference, await accessTo(reference.host, options)));
      const path = await pathOf(reference, options.directory);
      if (reference.kind === "layout") return use(await readLayout(reference, path));
      return withArchive(uri, path, options.scratchDir, async (dir) => use(await readLayout(reference, dir)));
    },
  };
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
