/**
 * The log store on disk: a directory of log groups. `append` never waits and never throws; a short timer writes in the
 * background.
 */
import { join } from "node:path";
import type { Clock } from "../base/clock.ts";
import type { LogEvent, LogReadOptions, LogStore, LogOrigin } from "../ports/log-store.ts";
import { groupDirectoryName } from "./group-directory.ts";
import { LogGroup, type LogGroupLimits } from "./log-group.ts";

export interface DiskLogStoreOptions {
  /** Directory of all groups; made when needed. */
  readonly directory: string;
  readonly clock: Clock;
  readonly limits?: Partial<LogGroupLimits>;
}

const DEFAULT_LIMITS: LogGroupLimits = {
  segmentSizeBytesMax: 4 * 1024 * 1024,
  groupSizeBytesMax: 64 * 1024 * 1024,
  bufferSizeBytesMax: 16 * 1024 * 1024,
};
/** Time between two writes: a crash loses at most this much of the logs. */
const FLUSH_DELAY_MS = 50;
/** Size at which a buffer is written without waiting for the timer. */
const FLUSH_SIZE_BYTES = 1024 * 1024;
/** Number of events that a follower may lag behind. */
const FOLLOWER_QUEUE_LENGTH_MAX = 10_000;

export function createDiskLogStore(options: DiskLogStoreOptions): LogStore {
  return new DiskLogStore(options);
}

class DiskLogStore implements LogStore {
  readonly #directory: string;
  readonly #clock: Clock;
  readonly #limits: LogGroupLimits;
  readonly #groups = new Map<string, LogGroup>();
  readonly #closing = new AbortController();
  #cancelFlush: (() => void) | null = null;
  #flushing: Promise<unknown> | null = null;

  constructor(options: DiskLogStoreOptions) {
    this.#directory = options.directory;
    this.#clock = options.clock;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
  }

  append(logGroup: string, logStream: string, timestampMs: number, message: string, origin: LogOrigin): void {
    if (this.#closing.signal.aborted) return;
    const group = this.#group(logGroup);
    group.append({ timestampMs, logStream, message: message.endsWith("\n") ? message.slice(0, -1) : message, origin });
    if (group.bufferSizeBytes >= FLUSH_SIZE_BYTES) this.#flushNow();
    else this.#flushSoon();
  }

  async *read(logGroup: string, options: LogReadOptions): AsyncGenerator<LogEvent> {
    const group = this.#group(logGroup);
    const queue = new FollowerQueue(FOLLOWER_QUEUE_LENGTH_MAX);
    const isWanted = (event: LogEvent): boolean =>
      event.timestampMs >= (options.sinceMs ?? 0) &&
      (options.logStream === undefined || event.logStream === options.logStream) &&
      (options.versions === undefined || options.versions.some((version) => isOfVersion(event.logStream, version)));
    const follower = (event: LogEvent): void => {
      if (isWanted(event)) queue.put(event);
    };
    const ended =
      options.signal === undefined ? this.#closing.signal : AbortSignal.any([options.signal, this.#closing.signal]);
    const onEnd = (): void => queue.end();
    ended.addEventListener("abort", onEnd, { once: true });
    try {
      const view = await group.open(options.follow === true ? follower : null);
      for await (const event of group.readView(view)) {
        if (ended.aborted) return;
        if (isWanted(event)) yield event;
      }
      if (options.follow !== true || ended.aborted) return;
      for (let event = await queue.take(); event !== null; event = await queue.take()) yield event;
    } finally {
      ended.removeEventListener("abort", onEnd);
      group.unfollow(follower);
    }
  }

  async removeGroup(logGroup: string): Promise<void> {
    await this.#group(logGroup).remove();
    this.#groups.delete(logGroup);
  }

  async close(): Promise<void> {
    this.#cancelFlush?.();
    this.#cancelFlush = null;
    this.#closing.abort();
    await this.#flushing;
    await Promise.all([...this.#groups.values()].map((group) => group.flush()));
  }

  #group(logGroup: string): LogGroup {
    const known = this.#groups.get(logGroup);
    if (known !== undefined) return known;
    const group = new LogGroup(join(this.#directory, groupDirectoryName(logGroup)), this.#limits);
    this.#groups.set(logGroup, group);
    return group;
  }

  #flushSoon(): void {
    this.#cancelFlush ??= this.#clock.after(FLUSH_DELAY_MS, () => this.#flushNow());
  }

  #flushNow(): void {
    this.#cancelFlush?.();
    this.#cancelFlush = null;
    // One flush at a time: appends during it are written by the next one.
    if (this.#flushing !== null) return;
    const groups = [...this.#groups.values()].filter((group) => group.hasBuffered);
    this.#flushing = Promise.all(groups.map((group) => group.flush())).finally(() => {
      this.#flushing = null;
      if (!this.#closing.signal.aborted && groups.some((group) => group.hasBuffered)) this.#flushSoon();
    });
  }
}

/** A stream's name is the day, then the version in brackets, then what tells environments apart. */
function isOfVersion(logStream: string, version: string): boolean {
  return logStream.includes(`/[${version}]`);
}

/**
 * Events that a follower has not read yet. When it is too slow the oldest ones are dropped, and a line says how many.
 */
class FollowerQueue {
  readonly #lengthMax: number;
  #events: LogEvent[] = [];
  #droppedCount = 0;
  #isEnded = false;
  #wake: (() => void) | null = null;

  constructor(lengthMax: number) {
    this.#lengthMax = lengthMax;
  }

  put(event: LogEvent): void {
    if (this.#events.length >= this.#lengthMax) {
      this.#droppedCount += this.#events.length;
      this.#events = [];
    }
    this.#events.push(event);
    this.#notify();
  }

  end(): void {
    this.#isEnded = true;
    this.#notify();
  }

  /** Waits for the next event; null at the end. */
  async take(): Promise<LogEvent | null> {
    while (this.#events.length === 0) {
      if (this.#isEnded) return null;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const first = this.#events[0];
    if (this.#droppedCount > 0 && first !== undefined) {
      const message = `[thaw] ${this.#droppedCount} log events were left out: the reader is too slow.`;
      this.#droppedCount = 0;
      return { ...first, message };
    }
    return this.#events.shift() ?? null;
  }

  #notify(): void {
    this.#wake?.();
    this.#wake = null;
  }
}
