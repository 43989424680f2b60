export { createCriuEngine } from "../engines/criu/criu-engine.ts";
