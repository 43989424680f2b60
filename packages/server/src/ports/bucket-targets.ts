/**
 * Where the events of buckets can go, as the service that keeps their notifications sees it. Owned by aws/, implemented
 * by control/events.
 */
import type { NotificationRule } from "../model/bucket-events/rules.ts";

export interface BucketTargets {
  /**
   * Says why the events of a bucket can't go to a target, as S3 says it; null: they can. A queue or a topic is sent
   * `testEvent`.
   */
  problemOf(target: Pick<NotificationRule, "kind" | "arn">, bucket: string, testEvent: string): Promise<string | null>;
}
