/** Turns what an engine threw into a platform failure: a stable code and a message for the user, no internals. */
import { ThawError } from "../base/errors.ts";
import type { Failure } from "./function-errors.ts";

export type PlatformFailure = Extract<Failure, { readonly kind: "platform" }>;

export function toPlatformFailure(error: unknown): PlatformFailure {
  if (error instanceof ThawError) return { kind: "platform", code: error.code, message: error.publicMessage };
  return {
    kind: "platform",
    code: "WORKER_ENGINE_FAILED",
    message: "The execution environment could not be run. The server's log has the details.",
  };
}

export const CONNECTION_LOST: PlatformFailure = {
  kind: "platform",
  code: "WORKER_ENVIRONMENT_LOST",
  message: "The execution environment ended unexpectedly.",
};

export const SNAPSHOT_DAMAGED: PlatformFailure = {
  kind: "platform",
  code: "SANDBOX_SNAPSHOT_DAMAGED",
  message: "The snapshot is damaged. The version is initialised again.",
};

export const CLOSING: PlatformFailure = {
  kind: "platform",
  code: "WORKER_CLOSING",
  message: "The worker is shutting down.",
};
