/** A package of a function or of a layer, as its record names it. */
export interface CodeInfo {
  /** Name of the unpacked code. */
  readonly codeName: string;
  readonly codeSha256: string;
  readonly codeSizeBytes: number;
}
