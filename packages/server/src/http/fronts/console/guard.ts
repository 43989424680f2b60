/**
 * Which requests of browsers are heard. A page from anywhere can send requests to this host, also under a name of its
 * own that leads here (DNS rebinding); what it can't do is to choose these headers.
 */
import type { WireHead } from "../../wire-head.ts";
import type { ConsoleOptions } from "./options.ts";

const OWN_NAMES: ReadonlySet<string> = new Set(["127.0.0.1", "[::1]", "localhost"]);
const LOOPBACK = /^(?:127\.|::1$|::ffff:127\.)/;

export interface Denial {
  readonly status: number;
  readonly message: string;
}

export type GuardOptions = Pick<ConsoleOptions, "mode" | "hostNames"> & {
  readonly isTrustedProxy: (address: string) => boolean;
};

export type GuardHead = Pick<WireHead, "hostName" | "headers" | "connection">;

/** Null where the console may be answered on this connection and under this name. */
export function denialOfPlace(head: GuardHead, options: GuardOptions): Denial | null {
  if (options.mode === "off")
    return { status: 404, message: "The console is off (THAW_CONSOLE=off). Start the server without it." };
  if (!isOwnName(head.hostName) && !options.hostNames.includes(head.hostName))
    return {
      status: 421,
      message:
        "The console is not answered under this name. Where the name is right, add it to THAW_CONSOLE_HOSTS (--console-host) and start the server again.",
    };
  if (options.mode !== "insecure" && !isPrivate(head, options))
    return {
      status: 403,
      message:
        "The console is off on this connection: it comes from another host without TLS, and everybody on the way could read its token. Put a proxy with TLS before the server (--trusted-proxy), use a tunnel (ssh -L), or start the server with THAW_CONSOLE=insecure.",
    };
  return null;
}

/** Null where the request comes from the console's own page, or from no page at all. */
export function denialOfSource({ headers }: GuardHead): Denial | null {
  const site = headers["sec-fetch-site"];
  const origin = headers["origin"];
  const isRight = site === undefined || site === "same-origin";
  if (isRight && (origin === undefined || isOwnOrigin(origin, headers["host"]))) return null;
  return { status: 403, message: "Only the console's own page may ask for this." };
}

export function isOwnName(hostName: string): boolean {
  return OWN_NAMES.has(hostName);
}

function isOwnOrigin(origin: unknown, host: unknown): boolean {
  return typeof origin === "string" && (origin === `http://${String(host)}` || origin === `https://${String(host)}`);
}

function isPrivate({ connection: { remoteAddress }, headers }: GuardHead, { isTrustedProxy }: GuardOptions): boolean {
  return LOOPBACK.test(remoteAddress) || (isTrustedProxy(remoteAddress) && headers["x-forwarded-proto"] === "https");
}
