/** Which runtime ids can be run on this host, and how. Implemented in runtimes/. */
export interface RuntimeRecipe {
  /** AWS's id: `java17`. */
  readonly runtime: string;
  readonly root: string;
  readonly lang: string | null;
  /** The language's programs where it has no directory of its own: path inside the root by AWS's name. */
  readonly programs?: Readonly<Record<string, string>>;
  /** Null: the root brings its own, as a container image does. */
  readonly client: string | null;
  /**
   * Command line of the runtime process, given the memory size and the function's own variables. Its last word is the
   * program that the language runs, as on AWS: wrapper scripts put options of the language before the last word.
   */
  argv(options: {
    readonly memorySizeMib: number;
    readonly snapStart: boolean;
    readonly environment: Readonly<Record<string, string>>;
  }): readonly string[];
  /** Added to the environment before the function's own variables (LANG, PATH, LD_LIBRARY_PATH…). */
  readonly env: Readonly<Record<string, string>>;
  /** True where the runtime's client writes log records to the descriptor that `_LAMBDA_TELEMETRY_LOG_FD` names. */
  readonly writesRecords: boolean;
  /** Makes variables out of the function's own, whose place they take. */
  envOver?(environment: Readonly<Record<string, string>>): Readonly<Record<string, string>>;
  /** As in INIT_START: `java:17.thaw`. */
  readonly runtimeVersion: string;
  readonly runtimeVersionArn: string;
  /** What a snapshot made with it depends on: versions, file digests. */
  readonly fingerprint: string;
}

/** One of the directories side by side in $THAW_HOME/runtimes. */
export interface RuntimeRelease {
  /** AWS's id: `java21`. */
  readonly runtime: string;
  /** The directory's: `java21.r1`. */
  readonly name: string;
  readonly fingerprint: string;
  /** What is initialised from now on has this one. */
  readonly isNewest: boolean;
}

export interface RuntimeCatalog {
  /**
   * The newest release of the runtime that is on the host now, or the one with this fingerprint. Null when it is not
   * there: never another one in its place. `ageMsMax`: so old may the look at the host be; without it the host is
   * looked at now.
   */
  find(runtime: string, fingerprint?: string, ageMsMax?: number): RuntimeRecipe | null;
  /** Without that of container images. */
  list(): readonly RuntimeRecipe[];
  /**
   * Lists all releases that can be run now, of each runtime the newest first; what belongs to the host itself among
   * them.
   */
  all(): readonly RuntimeRecipe[];
  /** Without what belongs to the host itself. */
  releases(): readonly RuntimeRelease[];
  /** What to do to get it: `Run: npx thaw runtimes install java21`. */
  remedy(runtime: string): string;
}
