/**
 * Platform errors: what went wrong in Thaw itself (not in a function, not in a request).
 *
 * `code` is stable and documented in docs/reference/errors.md; `publicMessage` tells the user what to do and
 * shows no internals; `detail` is flat and for logs. The cause's text is never repeated in the message.
 */
export interface ThawErrorOptions {
  readonly publicMessage: string;
  readonly detail?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

export abstract class ThawError extends Error {
  abstract readonly code: string;
  readonly publicMessage: string;
  readonly detail: Readonly<Record<string, unknown>>;
  /** True where the same call may succeed a moment later. */
  readonly transient: boolean = false;

  constructor(options: ThawErrorOptions) {
    super(options.publicMessage, options.cause === undefined ? {} : { cause: options.cause });
    this.name = new.target.name;
    this.publicMessage = options.publicMessage;
    this.detail = options.detail ?? {};
  }
}
