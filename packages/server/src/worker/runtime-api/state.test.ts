import { it } from "vitest";
import { decideMove, type RuntimeMove, type RuntimeState } from "./state.ts";

const MOVES: readonly RuntimeMove[] = [
  "restore-next",
  "restore-error",
  "init-error",
  "invocation-next",
  "response",
  "invocation-error",
];

it.for<[RuntimeState, Partial<Record<RuntimeMove, RuntimeState>>]>([
  ["Started", { "restore-next": "RestoreReady", "init-error": "InitError", "invocation-next": "Ready" }],
  ["RestoreReady", {}],
  [
    "Restoring",
    {
      "restore-error": "RuntimeRestoreErrorState",
      "init-error": "RuntimeRestoreErrorState",
      "invocation-next": "Ready",
    },
  ],
  ["Ready", { "invocation-next": "Ready" }],
  [
    "Running",
    {
      "invocation-next": "Running",
      response: "InvocationResponse",
      "invocation-error": "InvocationErrorResponse",
    },
  ],
  ["InvocationResponse", {}],
  ["InvocationErrorResponse", {}],
  ["RuntimeResponseSentState", { "invocation-next": "Ready" }],
  ["InitError", {}],
  ["RuntimeRestoreErrorState", {}],
])("in %s a runtime may do just this: %o", ([state, allowed], { expect }) => {
  const found = MOVES.flatMap((move) => {
    const decision = decideMove(state, move);
    return decision.kind === "allowed" ? [[move, decision.state] as const] : [];
  });
  expect(Object.fromEntries(found)).toEqual(allowed);
});

it("refuses in AWS's words", ({ expect }) => {
  expect(decideMove("Ready", "response")).toEqual({
    kind: "forbidden",
    message:
      "State transition from Ready to InvocationResponse failed for runtime. Error: State transition is not allowed",
  });
});
