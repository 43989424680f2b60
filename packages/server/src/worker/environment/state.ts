/**
 * The states of an execution environment. Its driver (driver.ts) is the only writer.
 *
 *   starting ─► initialising ─► snapshotting ──────────┐
 *      │         ▲   │  │ (idle, where provisioned)    │
 *      │ resetting ◄─┘  └────► invoking ◄──► idle      ▼
 *      └───────► restoring ──────┘            └──► stopping ─► stopped
 *                                                  (every state but stopped may go to stopping)
 *                 ▲  │
 *                 └──┴── parked
 *
 * parked: a clone that waits, frozen and untouched, for the invoke that takes it.
 * resetting: the sandbox of a failed Init is replaced by a new one before Init is tried again within the invoke; or all
 * processes are ended after a failed invoke, which is not in the picture: invoking ─► resetting ─► idle ─► initialising.
 */
export const ENVIRONMENT_STATES = [
  "starting",
  "initialising",
  "restoring",
  "parked",
  "snapshotting",
  "idle",
  "invoking",
  "resetting",
  "stopping",
  "stopped",
] as const;

export type EnvironmentState = (typeof ENVIRONMENT_STATES)[number];

const NEXT: Readonly<Record<EnvironmentState, readonly EnvironmentState[]>> = {
  starting: ["initialising", "restoring", "stopping"],
  initialising: ["idle", "invoking", "resetting", "snapshotting", "stopping"],
  restoring: ["invoking", "parked", "stopping"],
  parked: ["restoring", "stopping"],
  snapshotting: ["stopping"],
  idle: ["initialising", "invoking", "stopping"],
  invoking: ["idle", "resetting", "stopping"],
  resetting: ["idle", "initialising", "stopping"],
  stopping: ["stopped"],
  stopped: [],
};

export function canTransition(from: EnvironmentState, to: EnvironmentState): boolean {
  return NEXT[from].includes(to);
}

/**
 * idle: may take an invoke now. parked: a clone that waits for its first. finishing: has answered its caller and will
 * be idle in a moment. busy: anything else.
 */
export type Availability = "idle" | "parked" | "finishing" | "busy";
