/** The life of a server of one process: composed, listening, running until it is told to stop, closed. */
import { systemClock as clock } from "../base/clock.ts";
import { composeServer } from "./compose.ts";
import { closeDataDirectory, makeDataDirectory, SERVER_UMASK } from "./data-directory.ts";
import { untilHostReady } from "./host-ready.ts";
import { checkListener, listen } from "./listen.ts";
import { log } from "./log.ts";
import { checkCompanion } from "./options/companion-options.ts";
import type { ServeOptions } from "./options/serve-options.ts";
import { removeServerFile, writeServerFile } from "./server-file.ts";
import { Orders, runUntilStopped } from "./shut-down.ts";
import { SilentConnections } from "./silent-connections.ts";

/** Runs the server until it is told to stop. Throws a UsageError when the settings don't fit this host. */
export async function runServer(options: ServeOptions): Promise<void> {
  const orders = new Orders();
  checkListener(options);
  checkCompanion(options.companion, process.env);
  await untilHostReady();
  process.umask(SERVER_UMASK);
  makeDataDirectory(options.dataDir, null);
  closeDataDirectory(options.dataDir);
  const server = await composeServer(options);
  const { app, scopes, worker, engine, snapshots, monitoring, draining, hostLost, databaseTaken } = server;
  void databaseTaken.then(() => {
    process.exitCode = 1;
  });
  await scopes.recover();
  const silent = new SilentConnections(app.server, clock);
  const drainTimeoutMs = options.drainTimeoutS * 1000;
  await monitoring.listen(options.metricsListen, server.health);
  const endpoint = await listen(app, options);
  scopes.listening(options.callbackBase?.href ?? endpoint);
  const { region, accountId } = options;
  writeServerFile(options.dataDir, { endpoint, region, accountId, accessKeyId: server.accessKeyId });
  process.stdout.write(`thaw listening on ${endpoint}\n`);
  setImmediate(collectStart);
  if (snapshots === null) log("no snapshots", { reason: engine.snapshotsProblem });
  const parts = { app, silent, scopes, worker, clock, draining, drainTimeoutMs, hostLost, databaseTaken };
  const isDone = await runUntilStopped(parts, orders);
  removeServerFile(options.dataDir);
  await server.close();
  // Anything that did not end would keep the process; sandboxd, which ends with it, holds what is left of the
  // sandboxes.
  if (!isDone) process.exit(1);
}

/**
 * Gives back what the start has left in the heap: a seventh of the idle server's memory, which V8 keeps until the heap
 * has grown by much more. A usual collection gives none of it to the system. Once, for some 55 ms; where the launcher's
 * flag is missing, not at all.
 */
function collectStart(): void {
  globalThis.gc?.({ type: "major", execution: "sync", flavor: "last-resort" });
}
