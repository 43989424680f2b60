export { measureWorker } from "../metrics/measure.ts";
export { RecentInvocations } from "../metrics/recent-invocations.ts";
export { Metrics } from "../metrics/registry.ts";
