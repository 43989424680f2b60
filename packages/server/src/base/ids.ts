/** Ids: one branded type for each kind, with a short prefix, so that one can't be mistaken for another. */
import { systemRandom } from "./random.ts";

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
