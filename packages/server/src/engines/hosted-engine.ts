/**
 * Common part of the engines on sandboxd: a sandbox of the host together with the connection to its supervisor.
 */
import type { Clock } from "../base/clock.ts";
import type { EnvironmentId } from "../base/ids.ts";
import { Slots } from "../base/slots.ts";
import type { Phase } from "../model/phases.ts";
import type { Sandbox, SandboxExit, SandboxObservation, SandboxSpec, SandboxUsage } from "../ports/engine.ts";
import type { HostedSandbox, SandboxHost } from "../ports/sandbox-host.ts";
import type { SupervisorLink } from "../ports/supervisor.ts";

/** Connects to a supervisor's socket. Injected, since the adapters do not know one another. */
export type ConnectSupervisor = (controlSocket: string) => Promise<SupervisorLink>;

export interface HostedEngineOptions {
  readonly host: SandboxHost;
  readonly connectSupervisor: ConnectSupervisor;
  readonly clock: Clock;
}

class SandboxOnHost implements Sandbox {
  readonly environmentId: EnvironmentId;
  readonly link: SupervisorLink;
  readonly phases: readonly Phase[];
  readonly exited: Promise<SandboxExit>;
  readonly #host: SandboxHost;
  readonly gone: Promise<void>;
  /** One of `freeze`, `thaw` and `boost` at a time: sandboxd answers each in a thread of its own. */
  readonly #commands = new Slots(1);
  #destroyed: Promise<void> | null = null;
  #tellGone: () => void = () => undefined;

  constructor(
    host: SandboxHost,
    environmentId: EnvironmentId,
    hosted: HostedSandbox,
    link: SupervisorLink,
    phases: readonly Phase[],
  ) {
    this.#host = host;
    this.gone = new Promise((resolve) => {
      this.#tellGone = resolve;
    });
    this.environmentId = environmentId;
    this.link = link;
    this.phases = phases;
    this.exited = hosted.exited;
  }

  freeze(): Promise<void> {
    return this.#commands.run(() => this.#host.freeze(this.environmentId));
  }

  thaw(): Promise<void> {
    return this.#commands.run(() => this.#host.thaw(this.environmentId));
  }

  boost(on: boolean): Promise<void> {
    return this.#commands.run(() => this.#host.boost(this.environmentId, on));
  }

  usage(options: { readonly reset?: boolean } = {}): Promise<SandboxUsage> {
    return this.#host.usage(this.environmentId, options.reset === true);
  }

  observe(): Promise<SandboxObservation> {
    return this.#host.observe(this.environmentId);
  }

  destroy(): Promise<void> {
    this.#destroyed ??= this.#destroyOnce();
    return this.#destroyed;
  }

  async #destroyOnce(): Promise<void> {
    this.link.close();
    try {
      await this.#host.destroy(this.environmentId);
    } finally {
      this.#tellGone();
    }
  }
}

/** Makes a sandbox by `make` and connects to it; whatever fails, nothing of it is left. */
export async function openSandbox(
  options: HostedEngineOptions,
  spec: SandboxSpec,
  make: () => Promise<HostedSandbox>,
): Promise<Sandbox> {
  const calledMs = options.clock.monotonicMs();
  const hosted = await make();
  const connectMs = options.clock.monotonicMs();
  try {
    const link = await options.connectSupervisor(hosted.controlSocket);
    const connect: Phase = {
      name: "connect",
      startMs: connectMs - calledMs,
      durationMs: options.clock.monotonicMs() - connectMs,
    };
    const phases = [...hosted.phases, connect];
    return new SandboxOnHost(options.host, spec.environmentId, hosted, link, phases);
  } catch (error) {
    await options.host.destroy(spec.environmentId);
    throw error;
  }
}
