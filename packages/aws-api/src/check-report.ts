/** What `thaw check` found out: Thaw's own API gives it and the command line shows it. Times in milliseconds, sizes in bytes. */

/** error: clones share what they must not. warning: something to look at before it hurts. note: good to know. */
export type CheckSeverity = "error" | "warning" | "note";

export interface CheckFinding {
  readonly id: string;
  readonly severity: CheckSeverity;
  readonly title: string;
  readonly why: string;
  readonly cure: string;
  /** One line each; values are shortened, secrets never shown. */
  readonly evidence: readonly string[];
}

export interface CheckPhase {
  readonly name: string;
  /** clone: Thaw brings the memory back. hooks: the function's own after-restore code. invoke: up to the first answer. */
  readonly part: "clone" | "hooks" | "invoke";
  readonly durationMs: number;
}

export interface CheckReport {
  readonly functionName: string;
  readonly version: string;
  readonly runtime: string;
  readonly snapshotId: string;
  readonly snapshotCreatedAt: string;
  readonly clones: number;
  readonly invokesPerClone: number;
  readonly tookMs: number;
  readonly verdict: {
    readonly status: "good" | "findings";
    readonly headline: string;
    readonly next: readonly string[];
  };
  readonly findings: readonly CheckFinding[];
  /** Of the last clone's cold start, in order. */
  readonly phases: readonly CheckPhase[];
  readonly timing: {
    readonly restoreMs: number;
    readonly firstInvokeMs: number;
    readonly nextInvokeMs: number;
    /** What the first invoke took more than the next one: the most that priming can save. */
    readonly primingSavesMs: number;
    /** The first answer of an environment that is initialised, without a snapshot. Null: none could be. */
    readonly withoutSnapshotMs: number | null;
  };
  readonly snapshot: {
    readonly memoryBytes: number;
    readonly diskBytes: number;
    /** What clones touched up to their first response. Null: not recorded. */
    readonly workingSetBytes: number | null;
    readonly searchedBytes: number;
    /** Null: a snapshot of an older Thaw. */
    readonly cutConnections: number | null;
    readonly tmpFileCount: number;
    readonly tmpFiles: ReadonlyArray<{ readonly path: string; readonly size: number }>;
    readonly secrets: ReadonlyArray<{ readonly kind: string; readonly values: number; readonly places: number }>;
  };
  readonly processes: ReadonlyArray<{
    readonly name: string;
    readonly threads: number;
    readonly timers: number;
    readonly threadNames: readonly string[];
  }>;
  readonly network: {
    readonly sentBytes: number;
    readonly receivedBytes: number;
    readonly peers: readonly string[];
    /** Of all copies: requests whose texts were compared. Null: they could not be read on this host. */
    readonly requestsRead: number | null;
    /** Of all copies: not read. */
    readonly encryptedConnections: number;
    /** Of all copies: neither encrypted by TLS nor plain text, at least in part. */
    readonly unreadableConnections: number;
  };
  /** What this check can't see, in plain words. */
  readonly limits: readonly string[];
}
