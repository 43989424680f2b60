import { expect, it } from "vitest";
import { refusalOf } from "./operations.ts";
import type { StackStatus } from "./run.ts";

function refusal(operation: Parameters<typeof refusalOf>[0], status: StackStatus, isRollbackDisabled = false) {
  return refusalOf(operation, { status, stackId: "arn", isRollbackDisabled });
}

it.for([
  ["update", "UPDATE_COMPLETE", null],
  ["update", "ROLLBACK_COMPLETE", "Stack:arn is in ROLLBACK_COMPLETE state and can not be updated."],
  ["update", "UPDATE_IN_PROGRESS", "Stack:arn is in UPDATE_IN_PROGRESS state and can not be updated."],
  ["delete", "ROLLBACK_COMPLETE", null],
  ["delete", "CREATE_IN_PROGRESS", null],
  ["delete", "UPDATE_IN_PROGRESS", "Stack [arn] cannot be deleted while in status UPDATE_IN_PROGRESS"],
  ["rollback", "UPDATE_FAILED", null],
  ["rollback", "UPDATE_COMPLETE", "Stack:arn is in UPDATE_COMPLETE state and can not be rolled back."],
  ["continue", "UPDATE_ROLLBACK_FAILED", null],
  ["continue", "UPDATE_FAILED", "Stack:arn is in UPDATE_FAILED state and can not continue rollback."],
  ["cancel", "UPDATE_IN_PROGRESS", null],
  ["cancel", "CREATE_IN_PROGRESS", "CancelUpdateStack cannot be called from current stack status"],
  ["create", "REVIEW_IN_PROGRESS", null],
] as const)("%s in %s: %s", ([operation, status, problem]) => {
  expect(refusal(operation, status)).toBe(problem);
});

it("what failed and was left is updated only with rollback disabled", () => {
  expect(refusal("update", "UPDATE_FAILED")).toContain("use the disable-rollback parameter");
  expect(refusal("update", "CREATE_FAILED", true)).toBeNull();
});
