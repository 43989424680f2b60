/**
 * The pollers of a scope: one for each mapping that is enabled, of a kind that Thaw reads, at a service whose endpoint
 * the operator has named. A mapping that is changed gets a new poller when the old one has ended with its batches: the
 * order of a source holds over the change.
 */
import {
  type EventSourceRecord,
  shardKey,
  SOURCE_SERVICES,
  type SourceService,
} from "../../model/event-source-record.ts";
import { LATEST } from "../../model/function-record.ts";
import type { Write } from "../../ports/metadata-store.ts";
import { parseQueueArn } from "./queue-event.ts";
import { QueuePoller } from "./queue-poller.ts";
import type { Poller, PollerNeeds, PollerParts } from "./polling.ts";
import type { RunEvent } from "./run-batch.ts";
import { parseStreamArn } from "./stream-event.ts";
import { StreamPoller } from "./stream-poller.ts";

interface Running {
  readonly record: EventSourceRecord;
  readonly poller: Poller;
  readonly ended: Promise<void>;
}

export class Pollers {
  readonly #services: PollerNeeds;
  readonly #running = new Map<string, Running>();
  /** Changes of one mapping wait for one another. */
  readonly #changing = new Map<string, Promise<void>>();
  readonly #results = new Map<string, string>();
  #run: RunEvent | null = null;
  #onDelivery: () => void = () => undefined;
  #isClosing = false;

  constructor(services: PollerNeeds) {
    this.#services = services;
  }

  /** Begins with all mappings; called once, after the start. */
  async start(invoke: { readonly runVersion: RunEvent }, events: { readonly onDelivery: () => void }): Promise<void> {
    this.#run = (event) => invoke.runVersion(event);
    this.#onDelivery = () => events.onDelivery();
    for (const record of await this.#services.store.listAccountEntries("eventSource")) this.#change(record.id);
  }

  /** Hears of what was committed. */
  heard(writes: readonly Write[]): void {
    for (const write of writes)
      if ((write.op === "put" || write.op === "remove") && write.kind === "eventSource") this.#change(write.record.id);
  }

  /** Why nothing is read for a mapping that is enabled, as a sentence; null where it is. */
  problemOf({ config }: EventSourceRecord): string | null {
    const service = serviceOf(config.EventSourceArn);
    if (service === null)
      return "Thaw does not poll sources of this kind: nothing is read from this one. The mapping is kept as it was given.";
    if (this.#services.eventSources.hasEndpoint(service)) return null;
    return `Nothing is read: Thaw polls this source where the operator names an endpoint with AWS's API for it. Start the server with --aws-endpoint ${service}=URL.`;
  }

  /** True while something of the mapping is still under way that its record no longer asks for. */
  isSettling(record: EventSourceRecord): boolean {
    const running = this.#running.get(record.id);
    return running !== undefined && (!wants(record) || !isSame(running.record, record));
  }

  /** What is shown as LastProcessingResult; null: nothing yet in this life of the server. */
  resultOf(id: string): string | null {
    return this.#results.get(id) ?? null;
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    for (const { poller } of this.#running.values()) poller.stop();
    await Promise.all(this.#changing.values());
    await Promise.all([...this.#running.values()].map(({ ended }) => ended));
  }

  #change(id: string): void {
    if (this.#run === null || this.#isClosing) return;
    const before = this.#changing.get(id) ?? Promise.resolve();
    const own = before
      .then(() => this.#apply(id))
      .catch((error: unknown) => this.#services.onProblem(`event source mapping ${id}`, error))
      .finally(() => {
        if (this.#changing.get(id) === own) this.#changing.delete(id);
      });
    this.#changing.set(id, own);
  }

  async #apply(id: string): Promise<void> {
    const record = await this.#services.store.getAccountEntry("eventSource", id);
    const running = this.#running.get(id);
    if (running !== undefined && record !== null && wants(record) && isSame(running.record, record)) return;
    if (running !== undefined) {
      running.poller.stop();
      await running.ended;
      this.#running.delete(id);
    }
    if (record === null || record.change === "Deleting") await this.#forget(id);
    // It may have been changed again while the old one ended: then another change follows this one.
    if (record !== null && wants(record) && this.problemOf(record) === null && !this.#isClosing)
      await this.#begin(record);
  }

  /** Removes what was kept of a mapping that is deleted. */
  async #forget(id: string): Promise<void> {
    this.#results.delete(id);
    const all = await this.#services.store.listAccountEntries("eventSourceShard");
    const own = all.filter((record) => record.id.startsWith(shardKey(id, "")));
    if (own.length > 0)
      await this.#services.changes.commit(own.map((record) => ({ op: "remove", kind: "eventSourceShard", record })));
  }

  async #begin(record: EventSourceRecord): Promise<void> {
    const run = this.#run;
    if (run === null) return;
    const onResult = (result: string): void => void this.#results.set(record.id, result);
    const outside = { services: this.#services, run, onDelivery: this.#onDelivery };
    const poller = await createPoller({ ...outside, mapping: record, onResult });
    if (poller === null || this.#isClosing) return;
    this.#running.set(record.id, { record, poller, ended: poller.run() });
  }
}

/** Null where nothing reads such a source. */
async function createPoller(parts: PollerParts): Promise<Poller | null> {
  const { services, mapping } = parts;
  const arn = mapping.config.EventSourceArn ?? "";
  const queue = parseQueueArn(arn);
  if (queue !== null) return new QueuePoller(parts, queue, await services.eventSources.queue(queue));
  const stream = parseStreamArn(arn);
  if (stream === null) return null;
  const version = await services.store.getVersion(mapping.functionName, LATEST);
  return new StreamPoller(parts, stream, await services.eventSources.stream(stream), version?.config.role ?? "");
}

function serviceOf(arn: string | undefined): SourceService | null {
  return SOURCE_SERVICES.find((service) => arn?.split(":")[2] === service) ?? null;
}

function wants({ isEnabled, change }: EventSourceRecord): boolean {
  return isEnabled && change !== "Deleting";
}

/** Whether a poller of the one does what the other wants: tags and times change nothing of it. */
function isSame(one: EventSourceRecord, other: EventSourceRecord): boolean {
  const key = ({ functionName, qualifier, config }: EventSourceRecord): string =>
    JSON.stringify([functionName, qualifier, config]);
  return key(one) === key(other);
}
