/** The values that an environment's inbox and its callers exchange. */
import type { SnapshotId } from "../../base/ids.ts";
import type { SandboxExit } from "../../ports/engine.ts";
import type { SnapshotKey } from "../../ports/snapshots.ts";
import type { ProcessExit } from "../../ports/supervisor.ts";
import type { InvokeInput, InvokeOutcome } from "../../ports/worker.ts";
import type { Failure } from "../function-errors.ts";
import type { Agent } from "../agents/registry.ts";
import type { ApiEvent } from "../runtime-api/api.ts";

export interface RestoreMode {
  readonly kind: "restore";
  readonly snapshotId: SnapshotId;
  readonly key: SnapshotKey;
}

/** Why an environment was made. */
export type EnvironmentMode =
  | { readonly kind: "on-demand" }
  | { readonly kind: "provisioned" }
  | RestoreMode
  | { readonly kind: "snapshot"; readonly snapshotId: SnapshotId };

/** `gone`: the environment ended before it took the invoke; nothing of it was run. */
export type InvokeReply = InvokeOutcome | { readonly kind: "gone" };

export interface InvokeRequest {
  readonly input: InvokeInput;
  /** Called once. */
  reply(reply: InvokeReply): void;
}

/** A point in time that arrives in the inbox. A stale one is told apart by its identity. */
export interface Deadline {
  cancel(): void;
}

export type EnvironmentEvent =
  | ApiEvent
  | { readonly kind: "exit"; readonly agent: Agent; readonly exit: ProcessExit }
  | { readonly kind: "lost" }
  | { readonly kind: "sandbox-exited"; readonly exit: SandboxExit }
  | { readonly kind: "deadline"; readonly deadline: Deadline }
  | { readonly kind: "invoke"; readonly request: InvokeRequest }
  | { readonly kind: "stop" }
  | { readonly kind: "kill"; readonly failure: Failure };
