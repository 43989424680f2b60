/** Errors as the Runtime API wants them. */
export interface ErrorReport {
  readonly errorType: string;
  readonly errorMessage: string;
  readonly trace: readonly string[];
}

/** Describes what a hook threw, which may be anything: a member that throws must not hide it. */
export function describeError(error: unknown): ErrorReport {
  try {
    if (error instanceof Error)
      return { errorType: error.name, errorMessage: error.message, trace: String(error.stack ?? "").split("\n") };
    return { errorType: typeof error, errorMessage: String(error), trace: [] };
  } catch {
    return { errorType: "Error", errorMessage: "an error whose text can't be read", trace: [] };
  }
}
