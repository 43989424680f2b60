/** The settings of function URLs, as the listener takes them. */
import { BlockList, isIP } from "node:net";
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
  return {
    publicUrl: functionUrlBase,
    isTrustedProxy: (address) => isIP(address) === 4 && trusted.check(address, "ipv4"),
  };
}
