/**
 * How many batches of one queue run at the same time: five at first, five more each second while there is a backlog,
 * half as many where the function is throttled.
 * https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
 */
import type { EventSourceConfig } from "../../model/event-source-record.ts";

const FIRST = 5;
const GROWTH = 5;
export const GROWTH_INTERVAL_MS = 1000;
const LEAST = 2;
const MOST = 1250;
/** Number of invokes at the same time that AWS gives one provisioned poller. */
const OF_POLLER = 10;

export class BatchLimit {
  readonly #most: number;
  readonly #least: number;
  #now: number;
  #changedAtMs: number;

  /** `hostMax`: more than the account may run at the same time would only be throttled. */
  constructor(config: EventSourceConfig, hostMax: number, nowMs: number) {
    const { MinimumPollers: least, MaximumPollers: most } = config.ProvisionedPollerConfig ?? {};
    const provisioned = most === undefined ? MOST : most * OF_POLLER;
    this.#most = Math.max(1, Math.min(config.ScalingConfig?.MaximumConcurrency ?? provisioned, hostMax));
    this.#least = Math.min(least === undefined ? LEAST : least * OF_POLLER, this.#most);
    this.#now = Math.min(Math.max(FIRST, least === undefined ? 0 : this.#least), this.#most);
    this.#changedAtMs = nowMs;
  }

  get count(): number {
    return this.#now;
  }

  /** Hears that all places are taken and messages wait. */
  onBacklog(nowMs: number): void {
    if (nowMs - this.#changedAtMs < GROWTH_INTERVAL_MS) return;
    this.#now = Math.min(this.#now + GROWTH, this.#most);
    this.#changedAtMs = nowMs;
  }

  /** Hears that the function was throttled; what many batches hear at once counts once. */
  onThrottle(nowMs: number): void {
    if (nowMs - this.#changedAtMs < GROWTH_INTERVAL_MS && this.#now <= FIRST) return;
    this.#now = Math.max(Math.floor(this.#now / 2), Math.max(1, this.#least));
    this.#changedAtMs = nowMs;
  }
}
