/** Where a request comes from. What X-Forwarded headers say is believed of trusted proxies only. */
import type { WireHead } from "../wire-head.ts";

export interface Source {
  readonly sourceIp: string;
  readonly port: string;
  readonly scheme: "http" | "https";
}

const PORT = /:(\d{1,5})$/;

/** The client's address is the last one of the chain that is no trusted proxy's. */
export function sourceOf(head: WireHead, isTrustedProxy: (address: string) => boolean): Source {
  const peer = withoutMapping(head.connection.remoteAddress);
  const isForwarded = isTrustedProxy(peer);
  const said = (name: string): string | undefined => (isForwarded ? head.values[name]?.[0]?.trim() : undefined);
  const scheme = said("x-forwarded-proto") === "https" ? "https" : "http";
  const ownPort = PORT.exec(head.values["host"]?.[0] ?? "")?.[1] ?? (scheme === "https" ? "443" : "80");
  const saidPort = said("x-forwarded-port") ?? "";
  return {
    sourceIp: isForwarded ? clientOf(head, peer, isTrustedProxy) : peer,
    port: /^\d{1,5}$/.test(saidPort) ? saidPort : ownPort,
    scheme,
  };
}

function clientOf(head: WireHead, peer: string, isTrustedProxy: (address: string) => boolean): string {
  const chain = (head.values["x-forwarded-for"] ?? [])
    .join(",")
    .split(",")
    .map((each) => withoutMapping(each.trim()));
  const found = chain.findLast((address) => address !== "" && !isTrustedProxy(address));
  return found ?? peer;
}

/** An IPv4 address as a socket of IPv6 shows it. */
function withoutMapping(address: string): string {
  return address.startsWith("::ffff:") ? address.slice("::ffff:".length) : address;
}
