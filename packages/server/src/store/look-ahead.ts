/**
 * A look at the layers of an image before the first of them is unpacked. To write a hundred thousand files and to
 * remove them again takes half a minute; to count them takes a second.
 */
import { pipeline } from "node:stream/promises";
import { readTar, type TarEntry } from "../base/tar.ts";
import { invalidImage } from "../model/image-problems.ts";
import type { FoundImage, ImageLayer } from "../ports/image-source.ts";
import {
  type Allowance,
  counting,
  decompressors,
  IMAGE_SIZE_BYTES_MAX,
  type LayerFacts,
  spend,
} from "./image-layers.ts";

/** Of all layers, uncompressed: enough for as many small files as an image may have. */
const LOOK_SIZE_BYTES_MAX = 256 * 1024 * 1024;
/** Blobs up to these sizes are read twice. Empty files are compressed well: a hundred thousand need two mebibytes. */
const NEAR_BLOB_SIZE_BYTES_MAX = 256 * 1024 * 1024;
const FAR_BLOB_SIZE_BYTES_MAX = 4 * 1024 * 1024;
/** What a compressed archive may have more than its content: gzip and zstd frame what they can't compress. */
const FRAMING = 1.01;

/** Ends the look at a layer, or at all of them: what is wrong is found, and told, when it is unpacked. */
class LookedEnough extends Error {}

/** Throws an ApiError where the image is larger than one may be, as far as its manifest tells. */
export function checkManifestSizes({ uri, layers }: FoundImage): void {
  const leastOf = ({ compression, sizeBytes }: ImageLayer): number =>
    compression === "none" ? sizeBytes : Math.floor(sizeBytes / FRAMING);
  if (layers.reduce((sum, layer) => sum + leastOf(layer), 0) > IMAGE_SIZE_BYTES_MAX)
    throw invalidImage(uri, `it has more than ${IMAGE_SIZE_BYTES_MAX} bytes`);
}

/**
 * Throws an ApiError where the layers have more entries, or longer paths, than an image may have. Looks at the
 * beginning of small blobs only, so that it costs a good image next to nothing.
 *
 * @param fresh - Layers that are to be unpacked.
 * @param left - What the image may have besides its other layers.
 */
export async function lookAhead(image: FoundImage, fresh: readonly ImageLayer[], left: Allowance): Promise<void> {
  const look = { left: { ...left }, sizeBytes: LOOK_SIZE_BYTES_MAX };
  const blobSizeBytesMax = image.isNear ? NEAR_BLOB_SIZE_BYTES_MAX : FAR_BLOB_SIZE_BYTES_MAX;
  for (const layer of fresh) {
    if (layer.sizeBytes > blobSizeBytesMax) continue;
    await countLayer(image, layer, look);
    if (look.sizeBytes < 0) return;
  }
}

interface Look {
  readonly left: Allowance;
  /** Uncompressed bytes that are still looked at. */
  sizeBytes: number;
}

async function countLayer(image: FoundImage, layer: ImageLayer, look: Look): Promise<void> {
  const known = new Set<string>();
  let refusal: unknown = null;
  const take = async (entry: TarEntry): Promise<void> => {
    entry.resume();
    try {
      spend(image.uri, look.left, newEntries(entry.path, known));
    } catch (error) {
      refusal = error;
      throw error;
    }
  };
  const source = await image.open(layer);
  const parts: readonly unknown[] = [
    source,
    counting((size) => (size > layer.sizeBytes ? new LookedEnough() : null)),
    ...decompressors[layer.compression](),
    counting((_size, added) => {
      look.sizeBytes -= added;
      return look.sizeBytes < 0 ? new LookedEnough() : null;
    }),
    (tar: AsyncIterable<Buffer>) => readTar(tar, take),
  ];
  try {
    await (pipeline as (parts: readonly unknown[]) => Promise<void>)(parts);
  } catch {
    if (refusal !== null) throw refusal;
  } finally {
    source.destroy();
  }
}

/** Counts an entry, and the folders of its path that nothing has named so far, as the unpacking does. */
function newEntries(path: string, known: Set<string>): Pick<LayerFacts, "entries" | "pathsSizeBytes" | "sizeBytes"> {
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  let entries = 1;
  let pathsSizeBytes = Buffer.byteLength(path);
  for (let length = 1; length < parts.length; length++) {
    const folder = parts.slice(0, length).join("/");
    if (known.has(folder)) continue;
    known.add(folder);
    entries++;
    pathsSizeBytes += Buffer.byteLength(folder);
  }
  known.add(parts.join("/"));
  return { entries, pathsSizeBytes, sizeBytes: 0 };
}
