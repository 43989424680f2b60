/**
 * A sandbox that is there, with everything that belongs to it. It is handed from phase to phase as a parameter: a phase
 * that needs a sandbox can't be called without one.
 */
import type { Sandbox } from "../../ports/engine.ts";
import { AgentRegistry } from "../agents/registry.ts";
import { RuntimeAgent } from "../agents/runtime.ts";
import { EnvironmentApi } from "../runtime-api/api.ts";
import type { RuntimeSession } from "../runtime-api/runtime.ts";
import { RecordReader } from "../telemetry/record-reader.ts";
import type { EnvironmentCore } from "./core.ts";

export interface Brought {
  readonly sandbox: Sandbox;
  /** The runtime's side of the Runtime API. */
  readonly session: RuntimeSession;
  /** The processes that the phases wait for. */
  readonly agents: AgentRegistry;
}

/** Takes over a sandbox that the engine made: its events go to the inbox from here on. */
export function attach(core: EnvironmentCore, sandbox: Sandbox): Brought {
  core.adopt(sandbox);
  const api = new EnvironmentApi({
    isSnapStart: core.isSnapStart,
    clock: core.services.clock,
    token: core.token,
    credentials: () => core.currentCredentials(),
    emit: (event) => core.putFrom(sandbox, event),
  });
  const { session } = api;
  const agents = new AgentRegistry();
  agents.add(new RuntimeAgent(session));
  // Of this sandbox only: the next one begins with a whole record.
  const readers = new Map<string, RecordReader>();
  const readerOf = (source: string): RecordReader => {
    const reader = readers.get(source) ?? new RecordReader();
    readers.set(source, reader);
    return reader;
  };
  sandbox.link.listen({
    onCall: (call) => api.handleCall(call),
    onAbandoned: (call) => api.handleAbandoned(call),
    onLog: (source, stream, bytes) => {
      if (stream !== "records") return core.log.writeOutput(source, stream, bytes);
      for (const piece of readerOf(source).push(bytes)) core.log.writeRecord(source, piece);
    },
    onExit: (exit) => {
      const agent = agents.find(exit.name);
      if (agent !== null) core.putFrom(sandbox, { kind: "exit", agent, exit });
    },
    onLost: () => core.putFrom(sandbox, { kind: "lost" }),
  });
  void sandbox.exited.then((exit) => core.putFrom(sandbox, { kind: "sandbox-exited", exit }));
  return { sandbox, session, agents };
}
