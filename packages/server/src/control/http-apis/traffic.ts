/** What stages ask of their traffic: limits of requests, and a line about each in a log group. */
import type { Clock } from "../../base/clock.ts";
import { type AccessLogRecord, accessLogLine, type LogValues } from "../../model/gateways/access-log.ts";
import { type Bucket, type RateLimits, taken } from "../../model/gateways/rate-limits.ts";
import type { LogStore } from "../../ports/log-store.ts";

/** The one that was used longest ago goes, and is full when it comes back. */
const BUCKETS_MAX = 8192;

export interface Traffic {
  /** Whether a request may come in now. `key` names what is limited. */
  admits(key: string, limits: RateLimits): boolean;
  log(settings: AccessLogRecord, logStream: string, valueOf: LogValues): void;
}

export function createTraffic(clock: Clock, logs: Pick<LogStore, "append">): Traffic {
  const buckets = new Map<string, Bucket>();
  return {
    admits(key, limits) {
      if (limits.ratePerS === null && limits.burst === null) return true;
      const { isAdmitted, bucket } = taken(buckets.get(key) ?? null, limits, clock.monotonicMs());
      buckets.delete(key);
      buckets.set(key, bucket);
      const [oldest] = buckets.keys();
      if (buckets.size > BUCKETS_MAX && oldest !== undefined) buckets.delete(oldest);
      return isAdmitted;
    },
    log({ destinationArn, format }, logStream, valueOf) {
      logs.append(destinationArn, logStream, clock.nowMs(), accessLogLine(format, valueOf), "client");
    },
  };
}
