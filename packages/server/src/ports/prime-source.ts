/** Events that a function wants to be served before its snapshot, so that the first real request runs warm code. */
export interface PrimeSource {
  /**
   * Of the file `thaw.prime.json` of that code, in order; none where there is no file. Rejects where it can't be read.
   */
  readPrimes(codeName: string): Promise<readonly Buffer[]>;
}

/** A `thaw.prime.json`. */
export interface PrimeFile {
  /** JSON texts, in order. */
  readonly events: readonly string[];
  /** So often each of them is served. */
  readonly times: number;
}

/** The same for those who look at a function. */
export interface PrimeFiles {
  /** Null where that code has no such file. Rejects where it can't be read. */
  readPrimeFile(codeName: string): Promise<PrimeFile | null>;
}
