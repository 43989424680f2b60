/** The listening socket of the Lambda API. */
import { once } from "node:events";
import type { HttpServer } from "../http/server.ts";
import { log } from "./log.ts";
import type { ServeOptions } from "./options/serve-options.ts";
import { UsageError } from "./options/usage-error.ts";

const LISTEN_PROBLEMS: Readonly<Record<string, string>> = {
  EADDRINUSE: "the port is in use; another thaw serve? (--listen HOST:PORT, port 0 picks a free one)",
  EADDRNOTAVAIL: "the host has no such address",
  EACCES: "the server's user may not use ports below 1024",
};
const NO_TLS =
  "payloads, code and links can be read on the way: on a network that is not trusted, listen on 127.0.0.1 behind a " +
  "proxy with TLS";
const LOOPBACK = new Set(["127.0.0.1", "::1", "localhost"]);

/**
 * Listens on the launcher's socket, which outlives this process, or on one of its own. Returns the address as a URL.
 *
 * @throws UsageError when the address can't be used.
 */
export async function listen(app: HttpServer, options: ServeOptions): Promise<string> {
  const { host, port } = options.listen;
  await app.ready();
  const listening = once(app.server, "listening");
  app.server.listen(process.env["THAW_LISTEN_FD"] === "0" ? { fd: 0 } : { host, port });
  await listening.catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`can't listen on ${host}:${port}: ${LISTEN_PROBLEMS[error.code ?? ""] ?? error.message}`);
  });
  const address = app.server.address();
  if (address === null || typeof address === "string") throw new UsageError("THAW_LISTEN_FD is no TCP socket");
  if (!LOOPBACK.has(host)) log("plain HTTP is reachable from outside", { address: host, reason: NO_TLS });
  return `http://${address.family === "IPv6" ? `[${address.address}]` : address.address}:${address.port}`;
}

/** Throws a UsageError when others can reach the listener and the credentials are those made for this machine alone. */
export function checkListener(options: ServeOptions): void {
  if (!LOOPBACK.has(options.listen.host) && options.credentials === null) {
    throw new UsageError(
      `--listen ${options.listen.host} is reachable from outside: ` +
        "set THAW_ACCESS_KEY_ID and THAW_SECRET_ACCESS_KEY to credentials of your own",
    );
  }
}
