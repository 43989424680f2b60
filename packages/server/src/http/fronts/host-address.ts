/** The address of a function URL or of an HTTP API, as answers show it: one that works for the client that asks. */
import type { WireHead } from "../wire-head.ts";
import { HOST_PATHS, type HostLabel } from "./host-target.ts";

export interface AddressRules {
  readonly region: string;
  /** The operator's own address, below whose name there is one for each URL; null: none. */
  readonly publicUrl: URL | null;
  /** Whether programs of this machine find it by any name below `localhost`. */
  readonly hasLocalNames: () => boolean;
}

/**
 * Makes the address. For a client on this machine it is a name below `localhost`, where the machine knows those; by any
 * other name, perhaps a mere number, there may be none for a URL, and a path is used.
 */
export function addressOf(
  label: HostLabel,
  id: string,
  head: Pick<WireHead, "hostName" | "headers">,
  rules: AddressRules,
): string {
  const name = `${id}.${label}.${rules.region}`;
  if (rules.publicUrl !== null) return `${rules.publicUrl.protocol}//${name}.${rules.publicUrl.host}/`;
  const { hostName } = head;
  const host = String(head.headers["host"] ?? "");
  if (isThisMachine(hostName) && rules.hasLocalNames())
    return `http://${name}.localhost${/:\d+$/.exec(host)?.[0] ?? ""}/`;
  const scheme = head.headers["x-forwarded-proto"] === "https" ? "https" : "http";
  return `${scheme}://${host}${HOST_PATHS[label]}${id}/`;
}

function isThisMachine(hostName: string): boolean {
  return hostName === "localhost" || hostName.endsWith(".localhost") || hostName === "[::1]" || isLoopback(hostName);
}

function isLoopback(hostName: string): boolean {
  return /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(hostName);
}
