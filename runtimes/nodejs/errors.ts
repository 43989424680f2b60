/** Errors as the Runtime API wants them. */
export interface ErrorReport {
  readonly errorType: string;
  readonly errorMessage: string;
  readonly trace: readonly string[];
}

/** An error of the client itself; its name is the type that AWS reports. */
export class RuntimeError extends Error {
  readonly type: string;

  constructor(type: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.type = type;
  }
}

export function describeError(error: unknown): ErrorReport {
  if (error instanceof Error) {
    const errorType = error instanceof RuntimeError ? error.type : error.name;
    return { errorType, errorMessage: error.message, trace: (error.stack ?? "").split("\n") };
  }
  return { errorType: typeof error, errorMessage: String(error), trace: [] };
}

/** For the header: AWS accepts `Runtime.X` and `Function.X`. */
export function errorTypeOf(error: unknown): string {
  if (error instanceof RuntimeError) return error.type;
  return error instanceof Error && /^[A-Z][A-Za-z]+$/.test(error.name) ? `Function.${error.name}` : "Function.Unknown";
}
