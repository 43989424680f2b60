export { initAuthority, issueForControl, issueForJoining, readAuthority } from "../cluster/installation-authority.ts";
export { isRenewalDue, joinCluster, type JoinOrder, renewIdentity } from "../cluster/join-client.ts";
export { JoinListener } from "../cluster/join-listener.ts";
export {
  isWorkerAddress,
  JOIN_BYTES_MAX,
  JOIN_PROTOCOL,
  JOIN_PROTOCOL_HEADER,
  provenBytes,
  readWish,
  RENEW_BEFORE_MS,
  WORKER_LIFETIME_MS,
} from "../cluster/join-protocol.ts";
export { certificateDigest } from "../cluster/join-token.ts";
export { Membership } from "../cluster/membership.ts";
export { RenewalKeeper } from "../cluster/renewal-keeper.ts";
export { readIdentity, type WorkerIdentity } from "../cluster/worker-identity.ts";
export { JOIN_NAME } from "../model/cluster-names.ts";
