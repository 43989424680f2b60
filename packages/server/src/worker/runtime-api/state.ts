/**
 * The runtime's states as the Runtime API sees them; names and texts are those of AWS's own Runtime API (visible in its
 * 403 bodies).
 *
 *   Started ─► RestoreReady ─► Restoring ─► Ready ─► Running ─┬► InvocationResponse ──────┬► RuntimeResponseSentState
 *      ├─► InitError               └─► RuntimeRestoreErrorState └► InvocationErrorResponse ─┘     └─► Ready …
 *      └─► Ready
 *
 * InvocationResponse and InvocationErrorResponse last from the head of the runtime's call to the end of its body.
 */
export type RuntimeState =
  | "Started"
  | "InitError"
  | "RestoreReady"
  | "Restoring"
  | "RuntimeRestoreErrorState"
  | "Ready"
  | "Running"
  | "InvocationResponse"
  | "InvocationErrorResponse"
  | "RuntimeResponseSentState";

/**
 * The move that a call of the runtime asks for. `init-error` is decided by the state: it is a restore error while
 * Restoring.
 */
export type RuntimeMove =
  | "restore-next"
  | "restore-error"
  | "init-error"
  | "invocation-next"
  | "response"
  | "invocation-error";

export type MoveDecision =
  | { readonly kind: "allowed"; readonly state: RuntimeState }
  | { readonly kind: "forbidden"; readonly message: string };

const ALLOWED: Readonly<Record<RuntimeMove, Readonly<Partial<Record<RuntimeState, RuntimeState>>>>> = {
  "restore-next": { Started: "RestoreReady" },
  "restore-error": { Restoring: "RuntimeRestoreErrorState" },
  "init-error": { Started: "InitError", Restoring: "RuntimeRestoreErrorState" },
  // Running → Running: a runtime that asks again gets the same event again.
  "invocation-next": {
    Started: "Ready",
    Restoring: "Ready",
    Ready: "Ready",
    Running: "Running",
    RuntimeResponseSentState: "Ready",
  },
  response: { Running: "InvocationResponse" },
  "invocation-error": { Running: "InvocationErrorResponse" },
};

/** The state that a refused call would have led to, as AWS names it. */
const TARGET_NAME: Readonly<Record<RuntimeMove, string>> = {
  "restore-next": "RestoreReady",
  "restore-error": "RuntimeRestoreErrorState",
  "init-error": "InitError",
  "invocation-next": "Ready",
  response: "InvocationResponse",
  "invocation-error": "InvocationErrorResponse",
};

export function decideMove(state: RuntimeState, move: RuntimeMove): MoveDecision {
  const next = ALLOWED[move][state];
  if (next !== undefined) return { kind: "allowed", state: next };
  return {
    kind: "forbidden",
    message: `State transition from ${state} to ${TARGET_NAME[move]} failed for runtime. Error: State transition is not allowed`,
  };
}
