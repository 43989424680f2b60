export { type Clock, systemClock } from "../base/clock.ts";
export { newEnvironmentId, newSnapshotId, type SnapshotId } from "../base/ids.ts";
export { type Random, systemRandom } from "../base/random.ts";
