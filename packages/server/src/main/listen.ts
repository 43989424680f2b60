/** The listening socket of the Lambda API. */
import { once } from "node:events";
import type { HttpServer } from "../http/server.ts";
import type { ServeOptions } from "./options/serve-options.ts";
import { UsageError } from "./options/usage-error.ts";

const LISTEN_PROBLEMS: Readonly<Record<string, string>> = {
  EADDRINUSE: "the port is in use; another thaw serve? (--listen HOST:PORT, port 0 picks a free one)",
  EADDRNOTAVAIL: "the host has no such address",
  EACCES: "the server's user may not use ports below 1024",
};
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
  return `http://${address.family === "IPv6" ? `[${address.address}]` : address.address}:${address.port}`;
}

/**
 * Throws a UsageError when others can reach the listener, and the credentials are those made for this machine alone, or
 * nobody has said that plain HTTP may go over the network.
 */
export function checkListener({ listen: { host }, credentials, insecureHttp }: ServeOptions): void {
  if (LOOPBACK.has(host)) return;
  const outside = `--listen ${host} is reachable from outside`;
  if (credentials === null)
    throw new UsageError(`${outside}: set THAW_ACCESS_KEY_ID and THAW_SECRET_ACCESS_KEY to credentials of your own`);
  if (!insecureHttp)
    throw new UsageError(
      `${outside}, and Thaw serves plain HTTP: payloads, code and links could be read on the way. ` +
        "Listen on 127.0.0.1 behind a proxy with TLS, or, where the network is trusted, set --insecure-http true",
    );
}
