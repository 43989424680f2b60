/** How an invocation ends. Without the library of forms: the command line names these in its options. */

/**
 * success: the function answered. error: it threw, exited, or sent what can't be an answer. timeout: its own timeout,
 * or the limit of Init or Restore. throttled: it was refused for a limit. platform-error: Thaw could not run it.
 */
export const INVOCATION_OUTCOMES = ["success", "error", "timeout", "throttled", "platform-error"] as const;

export type InvocationOutcome = (typeof INVOCATION_OUTCOMES)[number];
