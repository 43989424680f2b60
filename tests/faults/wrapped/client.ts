/** sandboxd with a point after each answer that something durable hangs on. */
import type { SandboxHost } from "@thaw/server/testing/ports";
import { connectSandboxd as connect, SandboxError } from "@thaw/server/testing/sandboxd";
import { reach } from "../reach.ts";

const toError = (message: string): Error => new SandboxError("SANDBOX_FAILED", message);

export async function connectSandboxd(path: string): Promise<SandboxHost> {
  const host = await connect(path);
  const answered = async <T>(point: string, answer: Promise<T>): Promise<T> => {
    const value = await answer;
    await reach(point, toError);
    return value;
  };
  return {
    ...host,
    create: (...args) => answered("host.created", host.create(...args)),
    restore: (...args) => answered("host.restored", host.restore(...args)),
    snapshot: (...args) => answered("host.snapshotted", host.snapshot(...args)),
    removeSnapshot: (...args) => answered("host.removed", host.removeSnapshot(...args)),
    collectChunks: () => answered("host.collected", host.collectChunks()),
  };
}
