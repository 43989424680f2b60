/** Saved test events of functions, as a service of AWS's sees them. Owned by aws/; control/ has them. */
export interface SavedTestEvents {
  /** All events of a function, texts of JSON by name; empty where there is none, or no such function. */
  all(functionName: string): Promise<ReadonlyMap<string, string>>;
  /**
   * Puts these in the place of all that there are, at once. Throws an ApiError for an unknown function, unless nothing
   * is put, and where a name or an event is none.
   */
  replaceAll(functionName: string, events: ReadonlyMap<string, string>): Promise<void>;
}
