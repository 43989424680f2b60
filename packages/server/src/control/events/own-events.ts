/** What makes events here, and gives them to functions: buses, the schedules of their rules, Scheduler's, buckets. */
import type { EventQueue } from "../invoke/event-queue.ts";
import type { ControlParts } from "../services.ts";
import { BucketEvents } from "./bucket-events.ts";
import { OwnBuses } from "./own-buses.ts";
import { OwnSchedules } from "./own-schedules.ts";
import { RuleSchedules } from "./rule-schedules.ts";
import { ServiceInvokes } from "./service-invokes.ts";
import { TopicSubscriptions } from "./topic-subscriptions.ts";

export class OwnEvents {
  readonly buses: OwnBuses;
  readonly schedules: OwnSchedules;
  readonly bucketEvents: BucketEvents;
  readonly topics: TopicSubscriptions;
  readonly #ofRules: RuleSchedules;

  constructor(parts: ControlParts, queue: EventQueue) {
    const invokes = new ServiceInvokes(parts, queue);
    this.#ofRules = new RuleSchedules(parts, invokes);
    this.buses = new OwnBuses(parts, invokes, () => this.#ofRules.read());
    this.schedules = new OwnSchedules(parts, invokes);
    this.bucketEvents = new BucketEvents(parts, invokes, this.buses);
    this.topics = new TopicSubscriptions(parts, invokes);
  }

  /** Schedules are carried out, and events of buckets delivered, from now on. */
  async start(): Promise<void> {
    await this.#ofRules.start();
    await this.schedules.start();
    this.bucketEvents.start();
  }

  async close(): Promise<void> {
    await this.#ofRules.close();
    await this.schedules.close();
    await this.bucketEvents.close();
    await this.topics.close();
  }
}
