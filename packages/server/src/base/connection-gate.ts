/**
 * Gate before a TLS listener that hosts elsewhere reach. A handshake costs the server a signature and a place before
 * anybody has shown who it is, so each address has so many in a time, and of those that have not shown it yet the
 * oldest one goes where there are too many.
 */
import type { EventEmitter } from "node:events";
import type { Clock } from "./clock.ts";

/** One end of a connection, as a server has it. */
interface Socket extends Pick<EventEmitter, "once"> {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
  destroy(): unknown;
}

export interface GateLimits {
  /** Connections at once of which nobody knows yet whose they are. */
  readonly strangersMax: number;
  /** Connections that an address may begin at once, without a pause before. */
  readonly burst: number;
  /** Time after which it may begin one more. */
  readonly eachMs: number;
}

interface Allowance {
  readonly left: number;
  readonly atMs: number;
}

/** Addresses that are remembered. Of more than these the one that came least lately is forgotten. */
const ADDRESSES_MAX = 4096;

export class ConnectionGate {
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #limits: GateLimits;
  /** Oldest first. */
  readonly #strangers = new Set<Socket>();
  /** By address, the one that came least lately first. */
  readonly #allowances = new Map<string, Allowance>();

  constructor(clock: Pick<Clock, "monotonicMs">, limits: GateLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** Stands before what the server does with a connection. Call it before the server listens. */
  guard(server: EventEmitter): void {
    const handlers = server.listeners("connection");
    server.removeAllListeners("connection");
    server.on("connection", (socket: Socket) => {
      if (!this.#admits(socket)) return void socket.destroy();
      for (const handler of handlers) handler.call(server, socket);
    });
  }

  /** The connection from this end has shown whose it is: it does not count any more. */
  know({ remoteAddress, remotePort }: Pick<Socket, "remoteAddress" | "remotePort">): void {
    for (const socket of this.#strangers)
      if (socket.remoteAddress === remoteAddress && socket.remotePort === remotePort) this.#strangers.delete(socket);
    const address = hostOf(remoteAddress);
    const { left, atMs } = this.#allowanceOf(address);
    this.#remember(address, { left: Math.min(this.#limits.burst, left + 1), atMs });
  }

  #admits(socket: Socket): boolean {
    const address = hostOf(socket.remoteAddress);
    const { left, atMs } = this.#allowanceOf(address);
    if (left < 1) return false;
    this.#remember(address, { left: left - 1, atMs });
    const [oldest] = this.#strangers;
    if (this.#strangers.size >= this.#limits.strangersMax) oldest?.destroy();
    this.#strangers.add(socket);
    socket.once("close", () => this.#strangers.delete(socket));
    return true;
  }

  #allowanceOf(address: string): Allowance {
    const { burst, eachMs } = this.#limits;
    const nowMs = this.#clock.monotonicMs();
    const { left, atMs } = this.#allowances.get(address) ?? { left: burst, atMs: nowMs };
    return { left: Math.min(burst, left + (nowMs - atMs) / eachMs), atMs: nowMs };
  }

  #remember(address: string, allowance: Allowance): void {
    this.#allowances.delete(address);
    this.#allowances.set(address, allowance);
    const [oldest] = this.#allowances.keys();
    if (this.#allowances.size > ADDRESSES_MAX && oldest !== undefined) this.#allowances.delete(oldest);
  }
}

/** One host has at least 2^64 addresses of version 6. */
function hostOf(address = ""): string {
  if (!address.includes(":") || address.includes(".")) return address;
  const [head = "", tail] = address.split("::");
  const groups = head.split(":").filter((group) => group !== "");
  const missing = tail === undefined ? 0 : 8 - groups.length - tail.split(":").filter((group) => group !== "").length;
  return [...groups, ...Array.from({ length: Math.max(0, missing) }, () => "0")].slice(0, 4).join(":");
}
