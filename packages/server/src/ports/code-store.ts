/** Deployment packages, unpacked: one read-only directory for each content. */
import type { CodeInfo } from "../model/function-record.ts";

export interface CodeStore {
  /** Durable when it resolves. Rejects with an ApiError where the zip is broken, hostile or too large. */
  unpack(zip: Buffer): Promise<CodeInfo>;
  /** The zip itself, for GetFunction's Location. Null where it is gone. */
  readZip(codeName: string): Promise<Buffer | null>;
  /**
   * Those of `texts` that stand in a file of the package as they are (UTF-8). Files in archives inside it are not
   * opened.
   */
  findTexts(codeName: string, texts: readonly string[]): Promise<ReadonlySet<string>>;
  /** Removes what is not in `used`. */
  sweep(used: ReadonlySet<string>): Promise<void>;
}
