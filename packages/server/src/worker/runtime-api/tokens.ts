/**
 * The authorization tokens of an environment's endpoints. They are inside the snapshot, so the worker must know them
 * again after a restart: they are derived from the snapshot's id and the worker's secret, in the form of a UUIDv4 as
 * AWS has it.
 */
import { createHmac } from "node:crypto";
import type { EnvironmentId, SnapshotId } from "../../base/ids.ts";

/** By endpoint: whoever has one token can't work out the other. */
const LABELS = { credentials: "snapshot-token", metadata: "metadata-token" } as const;

/** @param of - The snapshot; where there is none, the environment. */
export function deriveToken(secret: Buffer, endpoint: keyof typeof LABELS, of: SnapshotId | EnvironmentId): string {
  const bytes = createHmac("sha256", secret).update(`${LABELS[endpoint]}:${of}`).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
