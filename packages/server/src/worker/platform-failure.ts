/** Turns what an engine threw into a platform failure: a stable code and a message for the user, no internals. */
import { type CodeWithMessage, PLATFORM_ERRORS, ThawError } from "../model/platform-errors.ts";
import type { Failure } from "./function-errors.ts";

export type PlatformFailure = Extract<Failure, { readonly kind: "platform" }>;

export function toPlatformFailure(error: unknown): PlatformFailure {
  if (error instanceof ThawError) return { kind: "platform", code: error.code, message: error.publicMessage };
  return failureOf("WORKER_ENGINE_FAILED");
}

export const CONNECTION_LOST = failureOf("WORKER_ENVIRONMENT_LOST");
export const RESTORE_LATE = failureOf("SANDBOX_RESTORE_TIMEOUT");
export const SNAPSHOT_DAMAGED = failureOf("SANDBOX_SNAPSHOT_DAMAGED");
export const CLOSING = failureOf("WORKER_CLOSING");
/** CLOSING as the answer to an invoke or a publish. */
export const CLOSED = { kind: "platform-error", code: CLOSING.code, message: CLOSING.message } as const;

function failureOf(code: CodeWithMessage): PlatformFailure {
  return { kind: "platform", code, message: PLATFORM_ERRORS[code].message };
}
