export { connectSupervisor } from "../supervisor/connect-supervisor.ts";
