/** The settings of function URLs, as the listener takes them. */
import { BlockList, isIP } from "node:net";
import { lookup } from "node:dns/promises";
import type { FunctionUrlOptions } from "../http/server.ts";
import type { ServeOptions } from "./options/serve-options.ts";

export function functionUrlOptions({
  functionUrlBase,
  trustedProxies,
}: Pick<ServeOptions, "functionUrlBase" | "trustedProxies">): FunctionUrlOptions {
  const trusted = new BlockList();
  for (const network of trustedProxies) {
    const [address = "", bits = ""] = network.split("/");
    trusted.addSubnet(address, Number(bits), "ipv4");
  }
  let hasLocalNames = false;
  void findsLocalNames().then((found) => (hasLocalNames = found));
  return {
    hasLocalNames: () => hasLocalNames,
    publicUrl: functionUrlBase,
    isTrustedProxy: (address) => isIP(address) === 4 && trusted.check(address, "ipv4"),
  };
}

/**
 * Asks the resolver that programs of this host ask. Browsers and curl know such names by themselves; glibc alone does
 * not, systemd's resolver and macOS do.
 */
async function findsLocalNames(): Promise<boolean> {
  try {
    const { address } = await lookup("function.thaw.localhost");
    return address === "127.0.0.1" || address === "::1";
  } catch {
    return false;
  }
}
