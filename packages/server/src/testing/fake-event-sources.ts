/** Event sources in memory, at a service that tests make and break. */
import type { Clock } from "../base/clock.ts";
import type { SourceService } from "../model/event-source-record.ts";
import { EventSourceError, type EventSources } from "../ports/event-sources.ts";
import { FakeStream } from "./fake-stream.ts";
import { FakeQueue, type FakeQueueOptions } from "./fake-queue.ts";

export class FakeEventSources {
  /** Services that have an endpoint. */
  readonly services = new Set<SourceService>();
  readonly #clock: Clock;
  readonly #queues = new Map<string, FakeQueue>();
  readonly #streams = new Map<string, FakeStream>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  createQueue(name: string, options: FakeQueueOptions = {}): FakeQueue {
    this.services.add("sqs");
    const queue = new FakeQueue(name, this.#clock, options);
    this.#queues.set(name, queue);
    return queue;
  }

  /** A stream of Kinesis with its shards. */
  createStream(arn: string, shards: readonly string[]): FakeStream {
    this.services.add("kinesis");
    const stream = new FakeStream(this.#clock, shards);
    this.#streams.set(arn, stream);
    return stream;
  }

  deleteStream(arn: string): void {
    this.#streams.delete(arn);
  }

  deleteQueue(name: string): void {
    this.#queues.delete(name);
  }

  /** As a server sees them until its life is over. */
  connect(isOver: () => boolean = () => false): EventSources {
    return {
      hasEndpoint: (service) => this.services.has(service),
      queue: async ({ name }) => {
        const reader = (): ReturnType<FakeQueue["reader"]> => {
          const found = this.#queues.get(name);
          if (found === undefined)
            throw new EventSourceError("missing", "QueueDoesNotExist: The specified queue does not exist.");
          return found.reader(isOver);
        };
        return {
          visibilityTimeoutMs: async (signal) => reader().visibilityTimeoutMs(signal),
          receive: async (countMax, waitS, signal) => reader().receive(countMax, waitS, signal),
          remove: async (messages, signal) => reader().remove(messages, signal),
          release: async (messages, signal) => reader().release(messages, signal),
        };
      },
      stream: async ({ arn }) => {
        const reader = (): ReturnType<FakeStream["reader"]> => {
          const found = this.#streams.get(arn);
          if (found === undefined) throw new EventSourceError("missing", "ResourceNotFoundException: no such stream");
          return found.reader(isOver);
        };
        return {
          shards: async (signal) => reader().shards(signal),
          iterator: async (shardId, start, signal) => reader().iterator(shardId, start, signal),
          read: async (iterator, countMax, signal) => reader().read(iterator, countMax, signal),
        };
      },
      close: () => undefined,
    };
  }
}
