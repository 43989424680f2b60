/** Takes over the sandboxes that the engine made: whose events go where. */
import type { Sandbox } from "../../ports/engine.ts";
import { ExtensionAgent } from "../agents/extension.ts";
import { AgentRegistry } from "../agents/registry.ts";
import { RuntimeAgent } from "../agents/runtime.ts";
import { EnvironmentApi } from "../runtime-api/api.ts";
import type { Subscription } from "../runtime-api/subscription.ts";
import { RecordReader } from "../telemetry/record-reader.ts";
import type { Brought } from "./brought.ts";
import type { EnvironmentCore } from "./core.ts";

/** Takes over a sandbox that the engine made: its events go to the inbox from here on. */
export function attach(core: EnvironmentCore, sandbox: Sandbox): Brought {
  void sandbox.exited.then((exit) => core.putFrom(sandbox, { kind: "sandbox-exited", exit }));
  return attachProcesses(core, sandbox);
}

/** Begins anew with a sandbox whose processes have all ended: nobody is registered, and nothing was asked. */
export function attachProcesses(core: EnvironmentCore, sandbox: Sandbox): Brought {
  const { version } = core;
  const agents = new AgentRegistry();
  const processes = new Set(sandbox.link.processes.map(({ name }) => name));
  const api: EnvironmentApi = new EnvironmentApi({
    onSubscribed: ({ name }, subscription) => subscribe(core, sandbox, name, subscription),
    facts: {
      functionName: version.functionName,
      functionVersion: version.version,
      handler: version.handler,
      accountId: version.accountId,
    },
    onAdded: (extension) => agents.add(new ExtensionAgent(extension, api.extensions)),
    isSnapStart: core.isSnapStart,
    clock: core.services.clock,
    token: core.token,
    metadataToken: core.metadataToken,
    region: version.region,
    isBeforeSnapshot: core.mode.kind === "snapshot",
    credentials: () => core.currentCredentials(),
    emit: (event) => core.putFrom(api, event),
  });
  const { session, extensions, subscriptions } = api;
  agents.add(new RuntimeAgent(session));
  if (sandbox.link.kept !== null) api.resume(sandbox.link.kept);
  if (core.mode.kind === "restore") core.telemetry.close();
  const brought: Brought = { sandbox, session, extensions, subscriptions, api, agents, processes };
  core.adopt(brought);
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
      processes.delete(exit.name);
      core.telemetry.flush();
      const agent = agents.find(exit.name);
      if (agent !== null) core.putFrom(api, { kind: "exit", agent, exit });
    },
    onLost: () => core.putFrom(sandbox, { kind: "lost" }),
  });
  return brought;
}

/** Lets an extension take part in the telemetry, and says so to everybody. */
function subscribe(core: EnvironmentCore, sandbox: Sandbox, name: string, subscription: Subscription): void {
  const { api, schemaVersion, types, destination, buffering } = subscription;
  core.telemetry.subscribe(name, {
    form: { api, schemaVersion, isJson: core.version.logFormat === "JSON" },
    types,
    destination,
    buffering,
    link: sandbox.link,
  });
  // In a clone it was said before the snapshot.
  if (core.mode.kind !== "restore") core.log.writePlatform({ kind: "subscription", api, name, types });
}
