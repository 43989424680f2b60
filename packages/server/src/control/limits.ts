/** The limits that the control plane keeps, with what a server has unless it is told otherwise. */
export interface ControlLimits {
  /** Time without use after which a version loses its snapshot. AWS's 14 days; null: never. */
  readonly snapshotIdleMs: number | null;
  /** Time between two looks at all versions and their snapshots; shorter where `snapshotIdleMs` is. */
  readonly lookIntervalMs: number;
  /** Snapshots being made at the same time; more wait. */
  readonly snapshotsAtOnceMax: number;
  /** Snapshots among these that nobody waits for: refreshes and retries. */
  readonly refreshesAtOnceMax: number;
  /** Versions whose snapshot is being made or waits for its turn; PublishVersion is refused beyond. */
  readonly snapshotsPendingMax: number;
  /** Invokes of the account at the same time. AWS's 1,000. */
  readonly concurrencyMax: number;
  /** Environments that the host may have at the same time: no more invokes than that can run. */
  readonly environmentsMax: number;
  /** Shortest time for which a function is Pending, or an update of it InProgress, as clients see it. */
  readonly stateChangeMs: number;
  /** Time from the moment at which code may have become unnamed until it is looked for. */
  readonly contentSweepMs: number;
  /** Free bytes of the disk below which no new snapshot is made. */
  readonly diskFreeMinBytes: number;
}

const DAY_MS = 86_400_000;

export const DEFAULT_CONTROL_LIMITS: ControlLimits = {
  snapshotIdleMs: 14 * DAY_MS,
  lookIntervalMs: 5 * 60_000,
  snapshotsAtOnceMax: 2,
  refreshesAtOnceMax: 1,
  snapshotsPendingMax: 100,
  concurrencyMax: 1000,
  environmentsMax: 1000,
  stateChangeMs: 200,
  contentSweepMs: 15_000,
  diskFreeMinBytes: 512 * 1024 * 1024,
};
