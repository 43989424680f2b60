/** Ids: one branded type for each kind, with a short prefix, so that one can't be mistaken for another. */
import { type Random, systemRandom } from "./random.ts";

declare const brand: unique symbol;
type Branded<K extends string> = string & { readonly [brand]: K };

export type EnvironmentId = Branded<"EnvironmentId">;
export type SnapshotId = Branded<"SnapshotId">;

const SNAPSHOT_ID = /^snap-[0-9a-f]{16}$/;

export function newEnvironmentId(): EnvironmentId {
  return `env-${systemRandom.bytes(8).toString("hex")}` as EnvironmentId;
}

export function newSnapshotId(): SnapshotId {
  return `snap-${systemRandom.bytes(8).toString("hex")}` as SnapshotId;
}

export function isSnapshotId(text: string): text is SnapshotId {
  return SNAPSHOT_ID.test(text);
}

/** Names one attempt of an invocation: attempts that have a request id in common have one each. */
export function newInvocationId(): string {
  return systemRandom.uuid();
}

/** An id in the form of AWS's for URLs and HTTP APIs: digits and lower-case letters. */
export function newLabel(random: Random, length: number): string {
  return BigInt(`0x${random.bytes(length).toString("hex")}`)
    .toString(36)
    .padStart(length, "0")
    .slice(-length);
}
