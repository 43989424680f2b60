/** Answers of the three language scanners, which the command adds to. */
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
  /** Holder of the value, such as `RUN_ID` or `Service.id`; null where the call itself is the hazard. */
  readonly kept: string | null;
  /** Source of the value, such as `uuid.uuid4()`. */
  readonly what: string;
  readonly phase: "init" | "before-snapshot";
  /** Place of the source. */
  readonly source: SourcePlace;
}

export interface RawScan {
  readonly findings: readonly RawFinding[];
  readonly handlers: readonly string[];
  readonly problems: readonly { readonly file: string; readonly message: string }[];
  readonly files: number;
}
