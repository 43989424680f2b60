export { createWorker } from "../worker/create-worker.ts";
export type { WorkerLimits, WorkerProblem } from "../worker/worker-services.ts";
