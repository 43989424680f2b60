export { type ControlPlane, createControlPlane } from "../control/control-plane.ts";
export { type ControlLimits, DEFAULT_CONTROL_LIMITS } from "../control/limits.ts";
export type { ControlServices } from "../control/services.ts";
export type { Call } from "../control/operations.ts";
