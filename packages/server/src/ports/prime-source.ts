/** Events that a function wants to be served before its snapshot, so that the first real request runs warm code. */
export interface PrimeSource {
  /**
   * Of the file `thaw.prime.json` of that code, in order; none where there is no file. Rejects where it can't be read.
   */
  readPrimes(codeName: string): Promise<readonly Buffer[]>;
}
