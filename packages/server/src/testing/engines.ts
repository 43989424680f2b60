export { createCriuEngine } from "../engines/criu/criu-engine.ts";
export type { ConnectSupervisor } from "../engines/hosted-engine.ts";
export { createProcessEngine } from "../engines/process/process-engine.ts";
