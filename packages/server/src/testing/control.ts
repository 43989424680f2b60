export { type ControlPlane, createControlPlane } from "../control/control-plane.ts";
export { type ControlLimits, DEFAULT_CONTROL_LIMITS } from "../control/limits.ts";
export type { Call, Operations } from "../control/operations.ts";
export type { ControlServices } from "../control/services.ts";
export { HONOURED } from "../control/honoured.ts";
export { KEPT, OF_NOTHING, REFUSED } from "../control/operation-notes.ts";
