/** The functions that are debugged at this moment, and their environments. In memory: none outlives its client. */
import type { Duplex } from "node:stream";
import type { Clock } from "../base/clock.ts";
import type { EnvironmentId } from "../base/ids.ts";
import { SkippingQueue } from "../base/skipping-queue.ts";
import type { Debugging, DebugNews, DebugTarget } from "../ports/debugging.ts";
import type { SupervisorLink } from "../ports/supervisor.ts";
import type { RunnableVersion } from "../ports/worker.ts";

/** The variable of a function that names the port on which its debugger listens, in the sandbox. */
const PORT_VARIABLE = "THAW_DEBUG_PORT";
const PORT_MAX = 65_535;
/** A function has fewer environments; a client that is slower than they come is told nothing of some. */
const NEWS_MAX = 1000;
/** Connections of one function at a time: a debugger has one or two, and one that looks for it another. */
const CONNECTIONS_MAX = 16;
/** Time between two looks for a debugger that does not listen yet. */
const AGAIN_MS = 20;

/** An environment whose debugger can be reached. */
interface Reached {
  readonly environmentId: EnvironmentId;
  readonly version: string;
  readonly link: Pick<SupervisorLink, "tunnel">;
  readonly port: number;
  /** Null: it does not wait. */
  readonly release: (() => void) | null;
}

export class DebugSessions implements Debugging {
  readonly #clock: Clock;
  readonly #sessions = new Map<string, DebugSession>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  begin(target: DebugTarget, signal: AbortSignal): AsyncIterable<readonly DebugNews[]> | null {
    const key = keyOf(target);
    if (this.#sessions.has(key)) return null;
    const session = new DebugSession(this.#clock);
    const end = (): void => {
      if (this.#sessions.get(key) === session) this.#sessions.delete(key);
      session.end();
    };
    if (!signal.aborted) this.#sessions.set(key, session);
    signal.addEventListener("abort", end, { once: true });
    if (signal.aborted) end();
    return session.news();
  }

  goOn(target: DebugTarget): number | null {
    return this.#sessions.get(keyOf(target))?.goOn() ?? null;
  }

  async connect(target: DebugTarget, connectionId: string, signal: AbortSignal): Promise<Duplex | null> {
    const session = this.#sessions.get(keyOf(target));
    return session === undefined ? null : session.connect(connectionId, signal);
  }

  connectionOf(target: DebugTarget, connectionId: string): Duplex | null {
    return this.#sessions.get(keyOf(target))?.connectionOf(connectionId) ?? null;
  }

  /** Gives what an environment of this version has of a debugger; null: it is not debugged. */
  of(version: RunnableVersion): DebuggedVersion | null {
    const session = this.#sessions.get(keyOf(version));
    const port = Number(version.environment[PORT_VARIABLE] ?? "");
    if (session === undefined || !Number.isInteger(port) || port < 1 || port > PORT_MAX) return null;
    return new DebuggedVersion(session, version.version, port);
  }
}

/** A version whose environments are made while its function is debugged. */
export class DebuggedVersion {
  readonly #session: DebugSession;
  readonly #version: string;
  readonly #port: number;

  constructor(session: DebugSession, version: string, port: number) {
    this.#session = session;
    this.#version = version;
    this.#port = port;
  }

  get isOpen(): boolean {
    return this.#session.isOpen;
  }

  /** Calls when the function is not debugged any more, or now. Returns what takes that back. */
  whenEnded(act: () => void): () => void {
    return this.#session.whenEnded(act);
  }

  /** Tells that an environment's debugger can be reached. `release`: the environment waits until it is called. */
  show(environmentId: EnvironmentId, link: Pick<SupervisorLink, "tunnel">, release: (() => void) | null): void {
    this.#session.show({ environmentId, version: this.#version, link, port: this.#port, release });
  }

  hide(environmentId: EnvironmentId): void {
    this.#session.hide(environmentId);
  }
}

class DebugSession {
  readonly #clock: Clock;
  readonly #news = new SkippingQueue<DebugNews>({ lengthMax: NEWS_MAX });
  readonly #onEnd = new Set<() => void>();
  readonly #connections = new Map<string, Duplex>();
  /** The newest last. */
  #reached: readonly Reached[] = [];
  #isOpen = true;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  async *news(): AsyncGenerator<readonly DebugNews[]> {
    for await (const news of this.#news.drain()) yield news.filter((each) => "event" in each);
  }

  whenEnded(act: () => void): () => void {
    if (!this.#isOpen) act();
    else this.#onEnd.add(act);
    return () => void this.#onEnd.delete(act);
  }

  show(reached: Reached): void {
    if (!this.#isOpen) return reached.release?.();
    const { environmentId, version, release } = reached;
    this.#reached = [...this.#reached.filter((each) => each.environmentId !== environmentId), reached];
    this.#news.put({ event: release === null ? "started" : "restored", environmentId, version });
  }

  hide(environmentId: EnvironmentId): void {
    const hidden = this.#reached.find((each) => each.environmentId === environmentId);
    if (hidden === undefined) return;
    this.#reached = this.#reached.filter((each) => each !== hidden);
    this.#news.put({ event: "ended", environmentId, version: hidden.version });
  }

  goOn(): number {
    const waiting = this.#reached.filter(({ release }) => release !== null);
    this.#reached = this.#reached.map((each) => ({ ...each, release: null }));
    for (const { release } of waiting) release?.();
    return waiting.length;
  }

  async connect(connectionId: string, signal: AbortSignal): Promise<Duplex | null> {
    while (this.#isOpen && !signal.aborted) {
      const to = this.#reached.findLast(({ release }) => release !== null) ?? this.#reached.at(-1);
      if (to === undefined || this.#connections.has(connectionId) || this.#connections.size >= CONNECTIONS_MAX)
        return null;
      const connection = await to.link.tunnel(to.port).catch(() => null);
      if (connection !== null) return this.#keep(connectionId, connection);
      // Its runtime has not come so far.
      await new Promise<void>((resolve) => this.#clock.after(AGAIN_MS, resolve));
    }
    return null;
  }

  #keep(connectionId: string, connection: Duplex): Duplex {
    this.#connections.set(connectionId, connection);
    connection.on("error", () => undefined);
    connection.once("close", () => this.#connections.delete(connectionId));
    if (!this.#isOpen) connection.destroy();
    return connection;
  }

  connectionOf(connectionId: string): Duplex | null {
    return this.#connections.get(connectionId) ?? null;
  }

  end(): void {
    this.#isOpen = false;
    this.#news.end();
    for (const connection of this.#connections.values()) connection.destroy();
    this.goOn();
    this.#reached = [];
    for (const act of this.#onEnd) act();
    this.#onEnd.clear();
  }
}

function keyOf({ accountId, region, functionName }: DebugTarget): string {
  return `${accountId}/${region}/${functionName}`;
}
