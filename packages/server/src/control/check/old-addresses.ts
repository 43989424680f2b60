/** Addresses that clones call and that Init has found out. */
import { readNetwork } from "../../model/ip-network.ts";
import type { CheckedClone } from "./run-clones.ts";

/**
 * Link-local ones and those that AWS has for services of the host (metadata, credentials of containers): constants of
 * libraries, which mean the host itself wherever they are called. No name server gives them.
 */
const CONSTANT_NETWORKS = ["169.254.0.0/16", "fe80::/10", "fd00:ec2::/32"].map(readNetwork);

/**
 * Lists addresses that are found out, not written down: a clone that sent no datagram has asked no name server, and has
 * those that it reaches from Init. Whether they stand in the package is the caller's to find out.
 *
 * @param isKnown - Whether each clone was given the text.
 */
export function addressesOfInit(
  clones: ReadonlyArray<Pick<CheckedClone, "observed">>,
  isKnown: (text: string) => boolean,
): readonly string[] {
  const silent = clones.filter(({ observed }) => observed?.sandbox.sentDatagrams === 0);
  const addresses = silent
    .flatMap(({ observed }) => observed?.sandbox.peers ?? [])
    .map((peer) => peer.replace(/:\d+$/, "").replace(/^\[|\]$/g, ""));
  const unknown = addresses.filter((address) => !isKnown(address) && !CONSTANT_NETWORKS.some((isIn) => isIn(address)));
  return [...new Set(unknown)];
}
