/** Names in the certificates of an installation's hosts: each says what its holder may do. */

/** May give orders to workers. */
export const CONTROL_NAME = "control.thaw.internal";

/** Takes workers in. */
export const JOIN_NAME = "join.thaw.internal";

/** Takes orders. By it a worker can't be taken for another, nor for a control plane. */
export function workerName(workerId: string): string {
  return `${workerId}.worker.thaw.internal`;
}
