/** Events as buses carry them. https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html */
import type { AccountScope } from "../function-name.ts";

export interface BusEvent {
  readonly id: string;
  readonly source: string;
  readonly detailType: string;
  readonly timeMs: number;
  readonly resources: readonly string[];
  /** A JSON object. It stands in the event as it is, so that no number is rounded. */
  readonly detail: string;
  /** The header X-Amzn-Trace-Id; null: none. */
  readonly traceId: string | null;
}

export function eventJson({ accountId, region }: AccountScope, event: BusEvent): string {
  const head = {
    version: "0",
    id: event.id,
    "detail-type": event.detailType,
    source: event.source,
    account: accountId,
    time: isoSeconds(event.timeMs),
    region,
    resources: event.resources,
  };
  return `${JSON.stringify(head).slice(0, -1)},"detail":${event.detail}}`;
}

/** As AWS writes times of events: `2026-11-29T21:00:00Z`. */
export function isoSeconds(timeMs: number): string {
  return `${new Date(timeMs).toISOString().slice(0, 19)}Z`;
}
