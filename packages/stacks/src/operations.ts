/** What may be asked of a stack in which state, and the words for it. */
import type { Operation, StackStatus } from "./run.ts";

export interface StackAtRest {
  readonly status: StackStatus;
  readonly stackId: string;
  /** DisableRollback of the operation that is asked for. */
  readonly isRollbackDisabled: boolean;
}

const UPDATABLE: readonly StackStatus[] = ["CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"];
const WRECKS: readonly StackStatus[] = ["CREATE_FAILED", "UPDATE_FAILED"];

/** AWS's sentence where an operation is not possible in a state; null: it is. */
export function refusalOf(operation: Operation["kind"] | "cancel", stack: StackAtRest): string | null {
  const { status, stackId } = stack;
  switch (operation) {
    case "create":
      return status === "REVIEW_IN_PROGRESS" ? null : refused(stack, "created");
    case "update":
      return refusalOfUpdate(stack);
    case "delete":
      // A creation may be given up; all else is to end first.
      return status.endsWith("_IN_PROGRESS") && status !== "CREATE_IN_PROGRESS" && status !== "REVIEW_IN_PROGRESS"
        ? `Stack [${stackId}] cannot be deleted while in status ${status}`
        : null;
    case "rollback":
      return WRECKS.includes(status) ? null : refused(stack, "rolled back");
    case "continue":
      return status === "UPDATE_ROLLBACK_FAILED" ? null : refused(stack, "continue rollback");
    case "cancel":
      return status === "UPDATE_IN_PROGRESS" ? null : "CancelUpdateStack cannot be called from current stack status";
  }
}

function refusalOfUpdate(stack: StackAtRest): string | null {
  const { status, isRollbackDisabled } = stack;
  if (UPDATABLE.includes(status)) return null;
  if (!WRECKS.includes(status)) return refused(stack, "updated");
  return isRollbackDisabled
    ? null
    : `This stack is currently in a non-terminal [${status}] state. To update the stack from this state, please use the disable-rollback parameter with update-stack API. To rollback to the last known good state, use the rollback-stack API`;
}

function refused({ stackId, status }: StackAtRest, what: string): string {
  return `Stack:${stackId} is in ${status} state and can not be ${what}.`.replace("be continue", "continue");
}
