/** Outcomes of invocations: the contract's own, without the schemas around them. */
import type { InvocationOutcome } from "@thaw/thaw-api/outcomes";

const OUTCOMES: Readonly<Record<InvocationOutcome, true>> = {
  success: true,
  error: true,
  timeout: true,
  throttled: true,
  "platform-error": true,
};

export const INVOCATION_OUTCOMES = Object.keys(OUTCOMES) as InvocationOutcome[];
