import type { SharedValue } from "../../model/compare-clones.ts";
import type { AgeWord } from "../../model/fresh-start.ts";
import type { SlowClock } from "../../model/slow-clocks.ts";
import type { SnapshotFindings } from "../../ports/snapshot-disk.ts";
import type { FreshComparison, RanEnvironments } from "./fresh-environment.ts";

/** Everything that a check has seen, before it is judged. */
export interface CheckFacts extends RanEnvironments, Omit<FreshComparison, "again"> {
  readonly shared: ReadonlyArray<
    SharedValue & { readonly placesInMemory: number; readonly isInFresh: boolean; readonly isOnlySent: boolean }
  >;
  readonly ages: readonly AgeWord[];
  readonly slowClocks: readonly SlowClock[];
  /** Outside addresses that clones reached without asking for a name, and that nobody has written down. */
  readonly oldAddresses: readonly string[];
  readonly contents: SnapshotFindings;
  readonly cutConnections: number | null;
  /** Names of environment variables whose values look secret and are in the memory. */
  readonly secretVariables: readonly string[];
  /** Parts that this check could not look at, in plain words. */
  readonly limits: readonly string[];
}
