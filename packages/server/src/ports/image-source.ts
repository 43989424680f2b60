/**
 * Container images where they lie: in a registry, in an OCI layout or in an archive. Owned by control/, implemented in
 * images/; the store unpacks what is found.
 */
import type { Readable } from "node:stream";
import type { FunctionImage } from "../model/image.ts";

export type LayerCompression = "none" | "gzip" | "zstd";

export interface ImageLayer {
  /** SHA-256 of the blob as it lies there, as hexadecimal digits. */
  readonly digest: string;
  readonly sizeBytes: number;
  readonly compression: LayerCompression;
  /** SHA-256 of the tar archive inside. */
  readonly diffId: string;
}

/** An image whose manifest and configuration have been read and checked; its layers have not. */
export interface FoundImage extends Omit<FunctionImage, "layerNames"> {
  /** SHA-256 of the manifest. */
  readonly digest: string;
  readonly layers: readonly ImageLayer[];
  /** True where its blobs are on a disk of this host: to read one twice costs its time alone. */
  readonly isNear: boolean;
  /** Opens a layer's blob. Whoever reads it checks its digest. */
  open(layer: ImageLayer): Promise<Readable>;
}

export interface ImageSource {
  /**
   * Finds the image and hands it to `use`, for as long as that takes. Throws an ApiError with AWS's text where it is
   * not there, may not be read, or is of a kind that can't be run.
   */
  withImage<T>(uri: string, use: (image: FoundImage) => Promise<T>): Promise<T>;
}
