export { createWorker } from "../worker/create-worker.ts";
export { DebugSessions } from "../worker/debug-sessions.ts";
export type { WorkerLimits, WorkerProblem } from "../worker/worker-services.ts";
