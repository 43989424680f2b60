/** A queue in memory: visibility, groups, redrive, long polls. Its time is a clock's. */
import { createHash } from "node:crypto";
import type { Clock } from "../base/clock.ts";
import {
  EventSourceError,
  type QueueMessage,
  type QueueMessageAttribute,
  type QueueReader,
  type ReceivedMessage,
} from "../ports/event-sources.ts";

export interface FakeQueueOptions {
  readonly visibilityS?: number;
  /** Messages that were received `max` times go there instead of being given again. */
  readonly redrive?: { readonly to: FakeQueue; readonly max: number };
}

export interface FakeMessage {
  readonly group?: string;
  readonly attributes?: Readonly<Record<string, QueueMessageAttribute>>;
  readonly traceId?: string;
}

interface Kept {
  readonly id: string;
  readonly body: string;
  readonly more: FakeMessage;
  readonly sentAtMs: number;
  receives: number;
  firstReceivedAtMs: number | null;
  visibleAtMs: number;
  handle: string;
}

export class FakeQueue {
  readonly name: string;
  readonly #clock: Clock;
  readonly #options: FakeQueueOptions;
  readonly #messages: Kept[] = [];
  #ids = 0;
  /** Long polls that wait for a message. */
  readonly #waiting = new Set<() => void>();
  /** Asked before each call; what it throws is what the reader gets. */
  beforeCall: (call: "look" | "receive" | "remove" | "release") => void = () => undefined;
  receiveCount = 0;

  constructor(name: string, clock: Clock, options: FakeQueueOptions) {
    this.name = name;
    this.#clock = clock;
    this.#options = options;
  }

  get bodies(): readonly string[] {
    return this.#messages.map(({ body }) => body);
  }

  get visibleCount(): number {
    return this.#messages.filter(({ visibleAtMs }) => visibleAtMs <= this.#clock.nowMs()).length;
  }

  send(body: string, more: FakeMessage = {}): string {
    const id = `${this.name}-${String(++this.#ids)}`;
    const nowMs = this.#clock.nowMs();
    const times = { sentAtMs: nowMs, firstReceivedAtMs: null, visibleAtMs: nowMs };
    this.#messages.push({ id, body, more, ...times, receives: 0, handle: "" });
    for (const wake of this.#waiting) wake();
    return id;
  }

  /** `isOver`: the life of the server that reads has ended; it gets nothing any more. */
  reader(isOver: () => boolean): QueueReader {
    return {
      visibilityTimeoutMs: async () => {
        await this.#call("look", isOver);
        return this.#visibilityMs;
      },
      receive: async (countMax, waitS, signal) => {
        await this.#call("receive", isOver);
        this.receiveCount++;
        await this.#untilVisible(waitS, signal, isOver);
        if (signal.aborted) throw new EventSourceError("away", "AbortError: aborted");
        if (isOver()) return never();
        return this.#take(countMax);
      },
      remove: async (messages) => {
        await this.#call("remove", isOver);
        for (const message of messages) this.#remove(message);
        return [];
      },
      release: async (messages) => {
        await this.#call("release", isOver);
        for (const { receiptHandle } of messages) {
          const kept = this.#messages.find(({ handle }) => handle === receiptHandle);
          if (kept !== undefined) kept.visibleAtMs = this.#clock.nowMs();
        }
        for (const wake of this.#waiting) wake();
      },
    };
  }

  get #visibilityMs(): number {
    return (this.#options.visibilityS ?? 30) * 1000;
  }

  async #call(call: Parameters<FakeQueue["beforeCall"]>[0], isOver: () => boolean): Promise<void> {
    // A request takes a turn, at least.
    await Promise.resolve();
    if (isOver()) return never();
    this.beforeCall(call);
  }

  async #untilVisible(waitS: number, signal: AbortSignal, isOver: () => boolean): Promise<void> {
    const endMs = this.#clock.nowMs() + waitS * 1000;
    while (!signal.aborted && !isOver() && this.#ready().length === 0 && this.#clock.nowMs() < endMs) {
      const dueMs = Math.min(endMs, ...this.#messages.map(({ visibleAtMs }) => visibleAtMs).filter(this.#isLater));
      await new Promise<void>((resolve) => {
        const end = (): void => {
          this.#waiting.delete(end);
          signal.removeEventListener("abort", end);
          cancel();
          resolve();
        };
        const cancel = this.#clock.after(Math.max(1, dueMs - this.#clock.nowMs()), end);
        this.#waiting.add(end);
        signal.addEventListener("abort", end);
      });
    }
  }

  readonly #isLater = (atMs: number): boolean => atMs > this.#clock.nowMs();

  /** Messages that may be given now: of a FIFO queue's group only while none of it is with a reader. */
  #ready(): readonly Kept[] {
    const nowMs = this.#clock.nowMs();
    const isVisible = ({ visibleAtMs }: Kept): boolean => visibleAtMs <= nowMs;
    const locked = new Set(this.#messages.filter((kept) => !isVisible(kept)).map(({ more }) => more.group));
    locked.delete(undefined);
    return this.#messages.filter((kept) => isVisible(kept) && !locked.has(kept.more.group));
  }

  #take(countMax: number): readonly QueueMessage[] {
    const { redrive } = this.#options;
    const taken: QueueMessage[] = [];
    for (const kept of this.#ready()) {
      if (redrive !== undefined && kept.receives >= redrive.max) {
        this.#messages.splice(this.#messages.indexOf(kept), 1);
        redrive.to.send(kept.body, kept.more);
        continue;
      }
      if (taken.length === countMax) break;
      taken.push(this.#give(kept));
    }
    return taken;
  }

  #give(kept: Kept): QueueMessage {
    const nowMs = this.#clock.nowMs();
    kept.receives++;
    kept.firstReceivedAtMs ??= nowMs;
    kept.visibleAtMs = nowMs + this.#visibilityMs;
    kept.handle = `${kept.id}#${kept.receives}`;
    const { group, attributes = {}, traceId } = kept.more;
    const hasAttributes = Object.keys(attributes).length > 0;
    return {
      messageId: kept.id,
      receiptHandle: kept.handle,
      body: kept.body,
      md5OfBody: createHash("md5").update(kept.body).digest("hex"),
      attributes: {
        ApproximateReceiveCount: String(kept.receives),
        SentTimestamp: String(kept.sentAtMs),
        SenderId: "AIDA",
        ApproximateFirstReceiveTimestamp: String(kept.firstReceivedAtMs),
        ...(group === undefined ? {} : { MessageGroupId: group }),
        ...(traceId === undefined ? {} : { AWSTraceHeader: traceId }),
      },
      messageAttributes: attributes,
      md5OfMessageAttributes: hasAttributes ? "md5" : null,
    };
  }

  #remove({ receiptHandle }: ReceivedMessage): void {
    const at = this.#messages.findIndex(({ handle }) => handle === receiptHandle);
    if (at !== -1) this.#messages.splice(at, 1);
    for (const wake of this.#waiting) wake();
  }
}

/** A call of a server that has died: nobody hears of its end. */
function never<T>(): Promise<T> {
  return new Promise(() => undefined);
}
