/**
 * The authorization token of a snapshot's credentials endpoint. It is inside the snapshot, so the worker must know it
 * again after a restart: it is derived from the snapshot's id and the worker's secret, in the form of a UUIDv4 as AWS
 * has it.
 */
import { createHmac } from "node:crypto";
import type { SnapshotId } from "../../base/ids.ts";

export function deriveSnapshotToken(secret: Buffer, snapshotId: SnapshotId): string {
  const bytes = createHmac("sha256", secret).update(`snapshot-token:${snapshotId}`).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
