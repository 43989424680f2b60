/**
 * Deployment packages, layers and container images, unpacked: one read-only directory for each content; and layers
 * merged, one read-only directory for each list of contents.
 */
import type { CodeInfo } from "../model/code-info.ts";
import type { FoundImage } from "./image-source.ts";

export interface CodeStore {
  /** Durable when it resolves. Rejects with an ApiError where the zip is broken, hostile or too large. */
  unpack(zip: Buffer): Promise<CodeInfo>;
  /**
   * Unpacks the image's layers, and all of them together as a root. Durable when it resolves. Rejects with an ApiError
   * where a layer is missing, damaged, hostile or too large; nothing is left of the image then.
   */
  unpackImage(image: FoundImage): Promise<CodeInfo>;
  /** The zip itself, for GetFunction's Location. Null where it is gone. */
  readZip(codeName: string): Promise<Buffer | null>;
  /**
   * Those of `texts` that stand in a file of the package, or of the merged layers, of this name: as they are (UTF-8).
   * What zips inside it hold counts, too.
   */
  findTexts(name: string, texts: readonly string[]): Promise<ReadonlySet<string>>;
  /** Bytes of the files of an unpacked package. Rejects where it is not there. */
  unpackedSizeOf(codeName: string): Promise<number>;
  /**
   * Makes the directory `optName` of the named contents, later ones over earlier ones, file by file. Durable when it
   * resolves. Does nothing where it is there already.
   */
  merge(optName: string, codeNames: readonly string[]): Promise<void>;
  /**
   * Runs work that writes rows which name contents: none that it unpacks, merges or finds in a row is removed by
   * `CodeDirectory.removeUnnamed` before the work has ended.
   */
  hold<T>(work: () => Promise<T>): Promise<T>;
  /**
   * Removes what is not in `used`: the names of unpacked packages, of merged layers and of images' layers. Called after
   * a start, before anything is unpacked. `used` is not called where somebody else sweeps.
   */
  sweep(used: () => Promise<ReadonlySet<string>>): Promise<void>;
}
