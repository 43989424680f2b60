/** What the three language scanners answer, and the command adds to. */
export interface SourcePlace {
  readonly file: string;
  readonly line: number;
}

export interface RawFinding {
  readonly rule: string;
  /** Relative to the scanned root; for Java the class's source file (`com/example/Handler.java`). */
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** What holds it: `RUN_ID`, `Service.id`; null where the call itself is the hazard. */
  readonly kept: string | null;
  /** What brought it in: `uuid.uuid4()`. */
  readonly what: string;
  readonly phase: "init" | "before-snapshot";
  /** Where it was brought in. */
  readonly source: SourcePlace;
}

export interface RawScan {
  readonly findings: readonly RawFinding[];
  readonly handlers: readonly string[];
  readonly problems: readonly { readonly file: string; readonly message: string }[];
  readonly files: number;
}
