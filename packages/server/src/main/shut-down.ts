/**
 * How the server ends.
 *
 * ```text
 *  SIGHUP (renewal)  answers say `Connection: close` until no client holds an idle connection ─┐
 *  SIGTERM, SIGINT   ──────────────────────────────────────────────────────────────────────────┤
 *                                                          stop accepting, finish what runs ───┤
 *  sandboxd gone, database taken, second SIGTERM ──────────────────────────────────────────────┴► end
 * ```
 * Accepted events that are not done stay in the store. What does not end in time is left to the launcher, which ends it
 * all.
 */
import type { Clock } from "../base/clock.ts";
import { pause } from "../base/retry.ts";
import { type HttpServer, KEEP_ALIVE_MS } from "../http/server.ts";
import type { Worker } from "../ports/worker.ts";
import { log } from "./log.ts";
import type { InstalledScopes } from "./scopes.ts";
import type { SilentConnections } from "./silent-connections.ts";

/** The longest that any function runs. */
const RENEWAL_DRAIN_MS = 900_000;
/** Node.js closes an idle connection a second after the time it told the client. */
const KEEP_ALIVE_END_MS = KEEP_ALIVE_MS + 1500;
/** After the grace: for killed environments to be gone. */
const LAST_WAIT_MS = 10_000;
/**
 * How often idle connections are looked for while the server closes: one may have become idle, or silent, a moment
 * later.
 */
const IDLE_LOOK_MS = 250;

export interface Running {
  readonly app: HttpServer;
  readonly silent: SilentConnections;
  readonly scopes: Pick<InstalledScopes, "close">;
  readonly worker: Worker;
  readonly clock: Clock;
  readonly draining: AbortController;
  readonly drainTimeoutMs: number;
  /** Resolves when sandboxd is gone. */
  readonly hostLost: Promise<void>;
  /** Resolves when another server has taken the database. */
  readonly databaseTaken: Promise<void>;
}

type Order = "renew" | "stop" | "now";

/** Listens for orders. From here on no signal ends the process by itself. */
export class Orders {
  #count = 0;
  readonly first: Promise<Order>;
  /** A second SIGTERM or SIGINT, or the first after SIGHUP. */
  readonly urgent: Promise<void>;

  constructor() {
    let order: (order: Order) => void = () => undefined;
    let hurry: () => void = () => undefined;
    this.first = new Promise((resolve) => {
      order = resolve;
    });
    this.urgent = new Promise((resolve) => {
      hurry = resolve;
    });
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      process.on(signal, () => {
        order("stop");
        if (++this.#count > 1) hurry();
      });
    }
    process.on("SIGHUP", () => {
      this.#count++;
      order("renew");
    });
  }
}

/** Resolves when all is closed; false where something did not end in time. */
export async function runUntilStopped(running: Running, orders: Orders): Promise<boolean> {
  let isHostLost = false;
  let reason = "sandboxd is gone";
  const lost = Promise.race([
    running.hostLost.then(() => {
      isHostLost = true;
    }),
    running.databaseTaken.then(() => {
      reason = "another server has taken the database";
    }),
  ]).then(() => "now" as const);
  const order = await Promise.race([orders.first, lost]);
  log("stopping", { phase: "shutdown", reason: order === "now" ? reason : order });
  const startMs = running.clock.monotonicMs();
  let isUrgent = order === "now";
  const hurried = Promise.race([orders.urgent, lost]).then(() => {
    isUrgent = true;
  });
  running.draining.abort();
  if (order === "renew") await Promise.race([idleConnectionsEnd(running), hurried]);
  const closed = closeServer(running);
  const limitMs = order === "renew" ? RENEWAL_DRAIN_MS : order === "stop" ? running.drainTimeoutMs : 0;
  await Promise.race([closed, pause(running.clock, limitMs), hurried]);
  const usedMs = running.clock.monotonicMs() - startMs;
  const graceMs = isUrgent ? 0 : Math.max(0, limitMs - usedMs);
  // Events under way end with their environments; those that did not stay in the store.
  const closing = running.scopes.close(() => isHostLost);
  const ended = Promise.all([closing, running.worker.close(graceMs)]).then(async () => {
    running.app.server.closeAllConnections();
    await closed;
  });
  const isDone = await Promise.race([
    ended.then(() => true),
    hurriedAfter(running.clock, graceMs + LAST_WAIT_MS, isUrgent ? null : hurried),
  ]);
  log(isDone ? "stopped" : "stopped before all had ended", {
    phase: "shutdown",
    durationMs: running.clock.monotonicMs() - startMs,
  });
  return isDone;
}

async function hurriedAfter(clock: Clock, limitMs: number, hurried: Promise<unknown> | null): Promise<false> {
  await Promise.race([
    pause(clock, limitMs),
    ...(hurried === null ? [] : [hurried.then(() => pause(clock, LAST_WAIT_MS / 2))]),
  ]);
  return false;
}

function closeServer({ app, silent, clock }: Running): Promise<void> {
  return new Promise((resolve) => {
    let cancel: () => void = () => undefined;
    const endIdle = (): void => {
      app.server.closeIdleConnections();
      silent.end();
      cancel = clock.after(IDLE_LOOK_MS, endIdle);
    };
    app.server.close(() => {
      cancel();
      resolve();
    });
    endIdle();
  });
}

/** At once where nobody is connected. */
function idleConnectionsEnd({ app, clock }: Running): Promise<void> {
  return new Promise((resolve) =>
    app.server.getConnections((error, count) => {
      if (error === null && count === 0) resolve();
      else clock.after(KEEP_ALIVE_END_MS, resolve);
    }),
  );
}
