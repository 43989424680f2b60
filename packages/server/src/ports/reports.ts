/** What a worker tells of each invocation, for figures. Owned by worker/, taken by metrics/ through main. */
export interface InvocationReport {
  readonly functionName: string;
  /** As in REPORT. */
  readonly durationMs: number;
  /** Null where the environment was warm, or was restored. */
  readonly initDurationMs: number | null;
  readonly memoryMaxMib: number;
}
