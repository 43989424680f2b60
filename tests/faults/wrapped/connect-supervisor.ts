/** The supervisor with points where the server connects to it, and after it has parked its calls. */
import { connectSupervisor as connect } from "../../../packages/server/src/supervisor/connect-supervisor.ts";
import { SandboxError } from "../../../packages/server/src/sandboxd/errors.ts";
import type { SupervisorLink } from "../../../packages/server/src/ports/supervisor.ts";
import { reach } from "../reach.ts";

const toError = (message: string): Error => new SandboxError("SANDBOX_FAILED", message);

export async function connectSupervisor(...args: Parameters<typeof connect>): Promise<SupervisorLink> {
  await reach("supervisor.connecting", toError);
  const link = await connect(...args);
  return new Proxy(link, {
    get(target, name) {
      if (name === "park") {
        return async (): Promise<void> => {
          await target.park();
          await reach("supervisor.parked", toError);
        };
      }
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
