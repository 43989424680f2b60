import type { FunctionImage } from "./image.ts";

/** A package of a function or of a layer, or an image of a function, as its record names it. */
export interface CodeInfo {
  /** Name of the unpacked code. */
  readonly codeName: string;
  /** Of a package in Base64, of an image's manifest in hexadecimal digits, as with AWS. */
  readonly codeSha256: string;
  /** 0 for an image, as with AWS. */
  readonly codeSizeBytes: number;
  /** Absent for a package. */
  readonly image?: FunctionImage;
}
