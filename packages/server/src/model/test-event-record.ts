/** Saved test events of a function: who looks for their names reads no event. */

/** The names of a function's events; its id is the function's name. */
export interface TestEventIndexRecord {
  readonly id: string;
  /** By name. */
  readonly events: ReadonlyArray<{ readonly name: string; readonly sizeBytes: number }>;
  readonly updatedAtMs: number;
}

/** One event; its id is FUNCTION/NAME. */
export interface TestEventRecord {
  readonly id: string;
  /** JSON text. */
  readonly event: string;
}
