/**
 * Events of buckets, on their way from the store of objects to functions, queues, topics and the default event bus. An
 * event leaves that store when what comes of it is durable in the other one; a crash in between delivers it twice,
 * which S3 may do, too: https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventNotifications.html
 */
import { bucketArn, busDetailOf, recordOf, type StoredObjectEvent } from "../../model/bucket-events/event.ts";
import type { NotificationRule } from "../../model/bucket-events/rules.ts";
import { parseTarget } from "../../model/destination.ts";
import { DEFAULT_BUS } from "../../model/event-bus/record.ts";
import type { BucketTargets } from "../../ports/bucket-targets.ts";
import type { EventBuses } from "../../ports/event-buses.ts";
import type { Write } from "../../ports/metadata-store.ts";
import type { ControlParts } from "../services.ts";
import type { ServiceInvoke, ServiceInvokes } from "./service-invokes.ts";

/** Number of events that are delivered in one commit. */
const BATCH_MAX = 100;
/** Time until what has failed is tried again: a store could not be read or written. */
const RETRY_MS = 5000;
const SERVICE = "s3.amazonaws.com";
const SUBJECT = "Amazon S3 Notification";

type Needs = Pick<ControlParts, "scope" | "objects" | "destinations" | "clock" | "random" | "onProblem">;

export class BucketEvents implements BucketTargets {
  readonly #services: Needs;
  readonly #invokes: ServiceInvokes;
  readonly #buses: Pick<EventBuses, "put">;
  #hasNews = false;
  #isClosing = false;
  #pumping: Promise<void> | null = null;
  #cancelRetry: (() => void) | null = null;

  constructor(services: Needs, invokes: ServiceInvokes, buses: Pick<EventBuses, "put">) {
    this.#services = services;
    this.#invokes = invokes;
    this.#buses = buses;
  }

  start(): void {
    this.#services.objects.events.listen(() => this.#pump());
    this.#pump();
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    this.#cancelRetry?.();
    await this.#pumping;
  }

  async problemOf(
    { kind, arn }: Pick<NotificationRule, "kind" | "arn">,
    bucket: string,
    testEvent: string,
  ): Promise<string | null> {
    if (kind === "LambdaFunction") {
      const failure = await this.#invokes.problemOf(arn, { service: SERVICE, sourceArn: bucketArn(bucket) });
      if (failure === null) return null;
      return failure.code === "NO_PERMISSIONS"
        ? `Not authorized to invoke function [${arn}]`
        : `The destination Lambda function does not exist [${arn}]`;
    }
    const what = kind === "Queue" ? "queue" : "topic";
    const target = parseTarget(arn);
    // Such as a FIFO queue.
    if (target === null) return `The destination ${what} must be a standard one [${arn}]`;
    const { destinations } = this.#services;
    const problem = await destinations.problemOf(target);
    if (problem !== null) return `The destination ${what} can't be used [${arn}]: ${problem}`;
    const event = { source: "aws.s3", detailType: "", resources: [] };
    try {
      await destinations.send(target, {
        body: testEvent,
        attributes: {},
        traceId: null,
        event,
        key: "",
        subject: SUBJECT,
      });
      return null;
    } catch (error) {
      return `The destination ${what} does not take the test event [${arn}]: ${(error as Error).message}`;
    }
  }

  #pump(): void {
    this.#hasNews = true;
    if (this.#isClosing || this.#pumping !== null) return;
    this.#pumping = this.#pumpAll();
  }

  async #pumpAll(): Promise<void> {
    while (this.#hasNews && !this.#isClosing) {
      this.#hasNews = false;
      this.#cancelRetry?.();
      try {
        await this.#deliverAll();
      } catch (error) {
        this.#services.onProblem("deliver the events of buckets", error);
        this.#cancelRetry = this.#services.clock.after(RETRY_MS, () => this.#pump());
      }
    }
    // In the turn of the last look for news: none comes between the two.
    this.#pumping = null;
  }

  async #deliverAll(): Promise<void> {
    const { events } = this.#services.objects;
    for (;;) {
      const waiting = await events.list(BATCH_MAX);
      if (waiting.length === 0 || this.#isClosing) return;
      await this.#deliver(waiting);
      await events.remove(waiting);
    }
  }

  async #deliver(events: readonly StoredObjectEvent[]): Promise<void> {
    await this.#putOnBus(events.filter(({ isToBus }) => isToBus));
    const invokes: ServiceInvoke[] = [];
    const deliveries: Write[] = [];
    for (const event of events)
      for (const target of event.targets)
        if (target.kind === "LambdaFunction") invokes.push(this.#invokeOf(event, target));
        else deliveries.push(this.#deliveryOf(event, target));
    if ((await this.#invokes.accept(invokes, deliveries)) === "changed")
      throw new Error("functions were changed again and again meanwhile");
  }

  async #putOnBus(events: readonly StoredObjectEvent[]): Promise<void> {
    const { scope, random, onProblem } = this.#services;
    if (events.length === 0) return;
    const made = events.map((event) => ({
      id: random.uuid(),
      source: "aws.s3",
      ...busDetailOf(scope, event),
      timeMs: event.timeMs,
      resources: [bucketArn(event.bucket)],
      traceId: event.traceId,
    }));
    for (const problem of await this.#buses.put(DEFAULT_BUS, made))
      if (problem !== null) onProblem("an event of a bucket is not put on the default bus", new Error(problem));
  }

  #invokeOf(event: StoredObjectEvent, { id, arn }: Target): ServiceInvoke {
    return {
      what: `${event.name} of ${event.bucket} for ${arn} is dropped`,
      functionArn: arn,
      payload: Buffer.from(recordOf(this.#services.scope, event, id)),
      traceId: event.traceId,
      caller: { service: SERVICE, sourceArn: bucketArn(event.bucket) },
      deadLetter: null,
    };
  }

  #deliveryOf(event: StoredObjectEvent, { id, arn }: Target): Write {
    const nowMs = this.#services.clock.nowMs();
    const delivery = {
      requestId: event.requestId,
      functionName: "",
      functionArn: bucketArn(event.bucket),
      destination: arn,
      deadLetter: null,
      attributes: {},
      isSuccess: true,
      subject: SUBJECT,
      traceId: event.traceId,
      body: Buffer.from(recordOf(this.#services.scope, event, id)),
      attempts: 0,
      acceptedAtMs: nowMs,
      notBeforeMs: nowMs,
    };
    return { op: "addDelivery", delivery };
  }
}

type Target = StoredObjectEvent["targets"][number];
