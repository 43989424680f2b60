/** Destinations that keep what they get, and refuse or fail when a test says so. */
import type { DestinationMessage, DestinationService, DestinationTarget } from "../model/destination.ts";
import { DestinationError, type Destinations } from "../ports/destinations.ts";

export interface SentMessage {
  /** Name of the queue, the topic's or bus's ARN, the bucket. */
  readonly to: string;
  readonly message: DestinationMessage;
}

export class FakeDestinations implements Destinations {
  readonly sent: SentMessage[] = [];
  /** Asked before each message: what it throws is what the sender gets. */
  beforeSend: (to: string) => void = () => undefined;
  /** Why nothing can be sent; null: everything can be. */
  problem: string | null = null;

  /** Services whose endpoint is named: all. */
  hasEndpoint: (service: DestinationService) => boolean = () => true;

  async problemOf(): Promise<string | null> {
    return this.problem;
  }

  async send(target: DestinationTarget, message: DestinationMessage): Promise<void> {
    const to = nameOf(target);
    this.beforeSend(to);
    if (target.service === "sns" && Buffer.byteLength(message.body) > 262_144)
      throw new DestinationError("too large", true);
    this.sent.push({ to, message });
  }

  close(): void {}
}

function nameOf(target: DestinationTarget): string {
  switch (target.service) {
    case "sqs":
      return target.queue;
    case "sns":
      return target.topicArn;
    case "events":
      return target.busArn;
    case "s3":
      return target.bucket;
  }
}
