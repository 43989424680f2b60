/** A worker whose values go over a wire. */
import { deserialize, serialize } from "node:v8";
import type { InvokeSuccess, Worker } from "@thaw/server/testing/ports";

/**
 * The worker as one on another host: whatever goes in or out is copied by its bytes, so that nothing but values gets
 * through. Exceptions are the signal that cancels and a response that is streamed. The call itself still reaches the
 * worker in the same turn.
 */
export function overWire(worker: Worker): Worker {
  return new Proxy(worker, {
    get: (target, name: keyof Worker) => {
      const method = target[name] as (...args: unknown[]) => Promise<unknown>;
      return async (...args: unknown[]) => copyOf(await method.apply(target, args.map(copyOf)));
    },
  });
}

function copyOf(value: unknown): unknown {
  if (value instanceof AbortSignal) return value;
  if (!isResponse(value)) return deserialize(serialize(value));
  const { payload, stream, ...rest } = value;
  return { ...(deserialize(serialize(rest)) as object), payload, stream };
}

function isResponse(value: unknown): value is InvokeSuccess {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "response";
}
