/**
 * A sandbox that is there, with everything that belongs to it. It is handed from phase to phase as a parameter: a phase
 * that needs a sandbox can't be called without one. attach.ts makes it.
 */
import type { Sandbox } from "../../ports/engine.ts";
import type { AgentRegistry } from "../agents/registry.ts";
import type { ExtensionsApi } from "../runtime-api/extensions.ts";
import type { EnvironmentApi } from "../runtime-api/api.ts";
import type { RuntimeSession } from "../runtime-api/runtime.ts";
import type { SubscriptionsApi } from "../runtime-api/subscriptions.ts";

export interface Brought {
  readonly sandbox: Sandbox;
  /** The runtime's side of the Runtime API. */
  readonly session: RuntimeSession;
  /** The extensions' side of it. */
  readonly extensions: ExtensionsApi;
  /** Who has subscribed to telemetry. */
  readonly subscriptions: SubscriptionsApi;
  /** All of it. */
  readonly api: EnvironmentApi;
  /** The processes that the phases wait for. */
  readonly agents: AgentRegistry;
  /** Names of the processes that were started and have not ended. */
  readonly processes: Set<string>;
}
