/**
 * Events of objects on their way to where the notifications of their buckets go. Each is a row that comes with the
 * change that it tells of, in one transaction: neither is there without the other after a crash.
 */
import type { Clock } from "../base/clock.ts";
import type { ChangeCause, ObjectEvent, StoredObjectEvent } from "../model/bucket-events/event.ts";
import { NO_NOTIFICATIONS, rulesFor } from "../model/bucket-events/rules.ts";
import { type BucketRecord, NULL_VERSION, type ObjectVersion } from "../model/object-record.ts";
import type { ObjectEvents } from "../ports/object-store.ts";
import type { ObjectIndex } from "./object-index.ts";

type Rows = Pick<ObjectIndex, "addEvent" | "events" | "removeEvent" | "transaction">;
type Changed = Pick<ObjectEvent, "key" | "versionId" | "sizeBytes" | "etag">;

/** MD5 of nothing, which S3 says of delete markers. */
const ETAG_OF_NOTHING = "d41d8cd98f00b204e9800998ecf8427e";

export class EventOutbox implements ObjectEvents {
  readonly #index: Rows;
  readonly #clock: Pick<Clock, "nowMs">;
  #onEvent: () => void = () => undefined;

  constructor(index: Rows, clock: Pick<Clock, "nowMs">) {
    this.#index = index;
    this.#clock = clock;
  }

  listen(onEvent: () => void): void {
    this.#onEvent = onEvent;
  }

  async list(countMax: number): Promise<readonly StoredObjectEvent[]> {
    return this.#index.events(countMax);
  }

  async remove(events: readonly StoredObjectEvent[]): Promise<void> {
    this.#index.transaction(() => {
      for (const event of events) this.#index.removeEvent(event);
    });
  }

  /** Called within the transaction of the change, as its sisters are. */
  note(bucket: BucketRecord, version: ObjectVersion, cause: ChangeCause | undefined): void {
    const { key, versionId, sizeBytes, etag } = version;
    this.#add(bucket, { key, versionId, sizeBytes, etag }, cause);
  }

  noteRemoval(
    bucket: BucketRecord,
    { key, versionId }: Pick<ObjectVersion, "key" | "versionId">,
    cause: ChangeCause | undefined,
  ): void {
    this.#add(bucket, { key, versionId, sizeBytes: null, etag: null }, cause);
  }

  noteMarker(bucket: BucketRecord, { key, versionId }: ObjectVersion, cause: ChangeCause | undefined): void {
    const made = cause && { ...cause, name: "ObjectRemoved:DeleteMarkerCreated" as const };
    this.#add(bucket, { key, versionId, sizeBytes: null, etag: ETAG_OF_NOTHING }, made);
  }

  #add(bucket: BucketRecord, changed: Changed, cause: ChangeCause | undefined): void {
    const { rules, isToBus } = bucket.notifications ?? NO_NOTIFICATIONS;
    if (cause === undefined || (rules.length === 0 && !isToBus)) return;
    const targets = rulesFor(rules, cause.name, changed.key).map(({ id, kind, arn }) => ({ id, kind, arn }));
    if (targets.length === 0 && !isToBus) return;
    const versionId = changed.versionId === NULL_VERSION ? null : changed.versionId;
    const timeMs = this.#clock.nowMs();
    this.#index.addEvent({ ...cause, ...changed, versionId, timeMs, bucket: bucket.name, targets, isToBus });
    // The transaction has ended by then: nothing in it waits.
    queueMicrotask(() => this.#onEvent());
  }
}
