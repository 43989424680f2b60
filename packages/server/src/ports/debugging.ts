/**
 * Debuggers of functions (docs/design/0033-debuggers.md). Owned by http/, implemented in worker/.
 *
 * A function is debugged while a client follows it. Its environments, those alone that are made meanwhile, keep no time
 * limit and are not frozen; a clone waits before its after-restore hooks.
 */
import type { Duplex } from "node:stream";
import type { EnvironmentId } from "../base/ids.ts";
import type { AccountScope } from "../model/function-name.ts";

export interface DebugTarget extends AccountScope {
  readonly functionName: string;
}

export interface DebugNews {
  /** `started`: its runtime is being started. `restored`: it waits before its after-restore hooks. */
  readonly event: "started" | "restored" | "ended";
  readonly environmentId: EnvironmentId;
  readonly version: string;
}

export interface Debugging {
  /** Debugs the function until the signal, and tells of its environments. Null: somebody does already. */
  begin(target: DebugTarget, signal: AbortSignal): AsyncIterable<readonly DebugNews[]> | null;
  /** Lets the clones that wait go on. Returns how many did; null: the function is not debugged. */
  goOn(target: DebugTarget): number | null;
  /**
   * Connects to the debugger in an environment of the function: in the clone that waits, else in the newest one, as
   * soon as it listens. Null: the function is not debugged, or has none, or the signal came first. `connectionId`: the
   * caller's name for it, for `connectionOf`.
   */
  connect(target: DebugTarget, connectionId: string, signal: AbortSignal): Promise<Duplex | null>;
  /** Null: there is none, or it has ended. */
  connectionOf(target: DebugTarget, connectionId: string): Duplex | null;
}
