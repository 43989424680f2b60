/** The supervisor with points where the server connects to it, and after it has parked its calls. */
import type { SupervisorLink } from "@thaw/server/testing/ports";
import { SandboxError } from "@thaw/server/testing/sandboxd";
import { connectSupervisor as connect } from "@thaw/server/testing/supervisor";
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
