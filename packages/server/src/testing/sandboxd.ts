export { connectSandboxd } from "../sandboxd/client.ts";
export { SandboxError } from "../sandboxd/errors.ts";
