import { type HostCode, parseHostCode, ThawError } from "../model/platform-errors.ts";

/** A refusal or failure of sandboxd. `hostMessage` is for operators and goes to the log. */
export class SandboxError extends ThawError<HostCode> {
  constructor(code: HostCode, hostMessage: string) {
    const [firstLine = ""] = hostMessage.split("\n", 1);
    // The one code whose text is sandboxd's own: its first line is for the function's owner.
    const own = code === "SANDBOX_SNAPSHOT_REFUSED" ? { publicMessage: firstLine } : {};
    super(code, { detail: { hostMessage }, ...own });
  }
}

/**
 * Makes the error of an answer. A code that this server does not know becomes SANDBOX_FAILED and is kept in the text.
 */
export function readHostError(error: { readonly code: string; readonly message: string }): SandboxError {
  const code = parseHostCode(error.code);
  return code === null
    ? new SandboxError("SANDBOX_FAILED", `${error.code}: ${error.message}`)
    : new SandboxError(code, error.message);
}
