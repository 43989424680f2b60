/**
 * The answer to an invoke whose environment could not be brought up. Texts are those of AWS's SnapStartException and
 * SnapStartTimeoutException.
 */
import type { PlatformCode } from "../model/platform-errors.ts";
import type { InvokeRefusal } from "../ports/worker.ts";
import type { Failure } from "./function-errors.ts";
import { CLOSED } from "./platform-failure.ts";

const RESTORE_TIMEOUT_MESSAGE = "Lambda couldn't restore the snapshot within the timeout limit.";
const HOOK_FAILED_MESSAGE =
  "The afterRestore() runtime hook encountered an error. For more information, check the Amazon CloudWatch logs.";
/** The snapshot's memory did not come from afar in time, or the clone was not there in time: no hook was run. */
const RESTORE_TIMEOUT: PlatformCode = "SANDBOX_RESTORE_TIMEOUT";

export function toRefusal(failure: Failure): InvokeRefusal {
  switch (failure.kind) {
    case "timeout":
      return { kind: "restore-timeout", message: RESTORE_TIMEOUT_MESSAGE, hasRun: true };
    case "reported":
    case "exit":
      return { kind: "restore-error", message: HOOK_FAILED_MESSAGE };
    case "platform":
      if (failure.code === RESTORE_TIMEOUT)
        return { kind: "restore-timeout", message: RESTORE_TIMEOUT_MESSAGE, hasRun: false };
      return { kind: "platform-error", code: failure.code, message: failure.message };
    case "cancelled":
      return CLOSED;
  }
}
