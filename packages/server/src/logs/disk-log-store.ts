/**
 * The log store on disk. `append` never waits and never throws: a short timer hands what was gathered to the thread of
 * the logs, which writes it. Everything else asks that thread.
 */
import type { Clock } from "../base/clock.ts";
import { type Skipped, SkippingQueue } from "../base/skipping-queue.ts";
import type { LogEventQuery, LogGroups, LogPosition } from "../ports/log-groups.ts";
import type { LogEvent, LogOrigin, LogReadOptions, LogStore } from "../ports/log-store.ts";
import { EventBuffer } from "./event-buffer.ts";
import type { LogLimits } from "./log-database.ts";
import { LogThread } from "./thread.ts";
import { WrittenFollowers } from "./written-followers.ts";

export interface DiskLogStoreOptions {
  /** The database; made where it is missing. */
  readonly path: string;
  readonly clock: Clock;
  readonly limits: LogLimits;
  /** Memory of what is not written yet, beyond which new events are dropped. */
  readonly bufferBytesMax?: number;
  readonly onProblem: (error: unknown) => void;
}

/** A reader that is told new events. */
interface Follower {
  readonly tell: (event: LogEvent) => void;
  /** Events of clients with smaller ids are in its pages; null: its first page has not come. */
  idsBelow: number | null;
}

const BUFFER_BYTES_MAX = 16 * 1024 * 1024;
/** Time between two writes: a crash loses at most this much of the logs. */
const FLUSH_DELAY_MS = 50;
/** Size at which a buffer is written without waiting for the timer. */
const FLUSH_SIZE_BYTES = 1024 * 1024;
/** Events that a follower may lag behind, and their messages together. */
const FOLLOWER_QUEUE_LENGTH_MAX = 10_000;
const FOLLOWER_QUEUE_BYTES_MAX = 16 * 1024 * 1024;
const PAGE_EVENTS_MAX = 1_000;

/** Opens the store. Rejects where a newer version of Thaw has written it, or the disk fails. */
export async function openDiskLogStore(options: DiskLogStoreOptions): Promise<LogStore & LogGroups> {
  const store = createDiskLogStore(options);
  await store.findGroup("");
  return store;
}

/** Creates the store; its database is opened when it is first used. */
export function createDiskLogStore(options: DiskLogStoreOptions): LogStore & LogGroups {
  const { path, limits, clock, onProblem } = options;
  return new DiskLogStore(options, new LogThread({ path, limits }, clock, onProblem));
}

class DiskLogStore implements LogStore, LogGroups {
  readonly #clock: Clock;
  readonly #thread: LogThread;
  readonly #onProblem: (error: unknown) => void;
  readonly #buffer: EventBuffer;
  readonly #followers = new Map<string, Set<Follower>>();
  readonly #written = new WrittenFollowers();
  readonly #closing = new AbortController();
  #cancelFlush: (() => void) | null = null;
  /** True from a write that failed to the next that did not: the problem is told once. */
  #isFailing = false;

  constructor({ clock, onProblem, bufferBytesMax }: DiskLogStoreOptions, thread: LogThread) {
    this.#clock = clock;
    this.#thread = thread;
    this.#onProblem = onProblem;
    this.#buffer = new EventBuffer(bufferBytesMax ?? BUFFER_BYTES_MAX);
  }

  append(groupArn: string, logStream: string, timestampMs: number, text: string, origin: LogOrigin): void {
    if (this.#closing.signal.aborted) return;
    const message = text.endsWith("\n") ? text.slice(0, -1) : text;
    const event: LogEvent = { timestampMs, logStream, message, origin };
    if (this.#buffer.put(groupArn, event)) for (const { tell } of this.#followers.get(groupArn) ?? []) tell(event);
    if (this.#buffer.sizeBytes >= FLUSH_SIZE_BYTES) this.#flush();
    else this.#cancelFlush ??= this.#clock.after(FLUSH_DELAY_MS, () => this.#flush());
  }

  async *read(groupArn: string, options: LogReadOptions): AsyncGenerator<readonly LogEvent[]> {
    const queue = new SkippingQueue<LogEvent>({
      lengthMax: FOLLOWER_QUEUE_LENGTH_MAX,
      sizeMax: FOLLOWER_QUEUE_BYTES_MAX,
      sizeOf: ({ message }) => message.length,
      gather: this.#clock,
    });
    const isWanted = wantedBy(options);
    const follower: Follower = { tell: (event) => (isWanted(event) ? queue.put(event) : undefined), idsBelow: null };
    const ended =
      options.signal === undefined ? this.#closing.signal : AbortSignal.any([options.signal, this.#closing.signal]);
    const onEnd = (): void => queue.end();
    ended.addEventListener("abort", onEnd, { once: true });
    // No await from the flush to the first call: what comes later is the follower's.
    this.#flush();
    if (options.follow === true) this.#follow(groupArn, follower);
    try {
      for await (const events of this.#readPages(groupArn, options, follower)) {
        if (ended.aborted) return;
        yield events.filter(isWanted).map(withoutPlace);
      }
      if (options.follow !== true || ended.aborted) return;
      for await (const events of queue.drain()) yield events.map(toEvent);
    } finally {
      ended.removeEventListener("abort", onEnd);
      this.#unfollow(groupArn, follower);
    }
  }

  async has(groupArn: string): Promise<boolean> {
    return (await this.findGroup(groupArn)) !== null;
  }

  followWritten(
    isWanted: Parameters<LogStore["followWritten"]>[0],
    signal: AbortSignal,
  ): ReturnType<LogStore["followWritten"]> {
    return this.#written.follow(isWanted, AbortSignal.any([signal, this.#closing.signal]));
  }

  createGroup(...given: Parameters<LogGroups["createGroup"]>): ReturnType<LogGroups["createGroup"]> {
    return this.#flushed().call("createGroup", ...given);
  }

  findGroup(arn: string): ReturnType<LogGroups["findGroup"]> {
    return this.#flushed().call("findGroup", arn);
  }

  listGroups(...given: Parameters<LogGroups["listGroups"]>): ReturnType<LogGroups["listGroups"]> {
    return this.#flushed().call("listGroups", ...given);
  }

  removeGroup(arn: string): ReturnType<LogGroups["removeGroup"]> {
    return this.#flushed().call("removeGroup", arn);
  }

  setRetention(...given: Parameters<LogGroups["setRetention"]>): ReturnType<LogGroups["setRetention"]> {
    return this.#flushed().call("setRetention", ...given);
  }

  changeTags(...given: Parameters<LogGroups["changeTags"]>): ReturnType<LogGroups["changeTags"]> {
    return this.#flushed().call("changeTags", ...given);
  }

  createStream(...given: Parameters<LogGroups["createStream"]>): ReturnType<LogGroups["createStream"]> {
    return this.#flushed().call("createStream", ...given);
  }

  removeStream(...given: Parameters<LogGroups["removeStream"]>): ReturnType<LogGroups["removeStream"]> {
    return this.#flushed().call("removeStream", ...given);
  }

  listStreams(...given: Parameters<LogGroups["listStreams"]>): ReturnType<LogGroups["listStreams"]> {
    return this.#flushed().call("listStreams", ...given);
  }

  async putEvents(...given: Parameters<LogGroups["putEvents"]>): ReturnType<LogGroups["putEvents"]> {
    const [groupArn, logStream, events] = given;
    const firstId = await this.#flushed().call("putEvents", ...given);
    if (typeof firstId === "string") return firstId;
    const put = events.map(({ timestampMs, message }) => [timestampMs, message, "client"] as const);
    this.#written.tell([{ groupArn, logStream, events: put }], firstId);
    for (const { tell, idsBelow } of this.#followers.get(groupArn) ?? []) {
      // Its first page was asked for after this was written, and has it.
      if (idsBelow === null || firstId < idsBelow) continue;
      for (const event of events) tell({ ...event, logStream, origin: "client" });
    }
    return "written";
  }

  readEvents(query: LogEventQuery): ReturnType<LogGroups["readEvents"]> {
    return this.#flushed().call("readEvents", query);
  }

  async close(): Promise<void> {
    this.#flush();
    this.#closing.abort();
    await this.#thread.close();
  }

  /** The thread, which has been given all events so far. */
  #flushed(): LogThread {
    this.#flush();
    return this.#thread;
  }

  #flush(): void {
    this.#cancelFlush?.();
    this.#cancelFlush = null;
    const taken = this.#buffer.take();
    if (taken === null) return;
    this.#thread.call("append", taken.runs).then(
      (firstId) => {
        this.#isFailing = false;
        this.#buffer.written(taken);
        this.#written.tell(taken.runs, firstId);
      },
      (error: unknown) => {
        // Disk full or gone: the log must never stop an invoke.
        this.#buffer.failed(taken);
        if (!this.#isFailing) this.#onProblem(error);
        this.#isFailing = true;
      },
    );
  }

  async *#readPages(
    groupArn: string,
    options: LogReadOptions,
    follower: Follower,
  ): AsyncGenerator<readonly LogEvent[]> {
    const { sinceMs = 0, logStream } = options;
    for (let from: LogPosition | null = null; ; ) {
      const query: LogEventQuery = {
        groupArn,
        streams: logStream === undefined ? null : { names: [logStream] },
        fromMs: sinceMs,
        untilMs: null,
        from,
        direction: "forward",
        countMax: PAGE_EVENTS_MAX,
        filterPattern: null,
      };
      const page = await this.#thread.call("follow", query, follower.idsBelow);
      if (typeof page === "string") {
        follower.idsBelow ??= 0;
        return;
      }
      follower.idsBelow = page.idsBelow;
      yield page.events;
      if (page.next === null) return;
      from = page.next;
    }
  }

  #follow(groupArn: string, follower: Follower): void {
    const followers = this.#followers.get(groupArn) ?? new Set();
    this.#followers.set(groupArn, followers.add(follower));
  }

  #unfollow(groupArn: string, follower: Follower): void {
    const followers = this.#followers.get(groupArn);
    followers?.delete(follower);
    if (followers?.size === 0) this.#followers.delete(groupArn);
  }
}

function wantedBy({ sinceMs = 0, logStream, versions }: LogReadOptions): (event: LogEvent) => boolean {
  return (event) =>
    event.timestampMs >= sinceMs &&
    (logStream === undefined || event.logStream === logStream) &&
    (versions === undefined || versions.some((version) => isOfVersion(event.logStream, version)));
}

/** A stream's name is the day, then the version in brackets, then what tells environments apart. */
function isOfVersion(logStream: string, version: string): boolean {
  return logStream.includes(`/[${version}]`);
}

/** An event, or a line of the platform behind it that says how many were left out. */
function toEvent(event: LogEvent | Skipped, at: number, together: ReadonlyArray<LogEvent | Skipped>): LogEvent {
  if (!("skipped" in event)) return event;
  const before = together[at - 1];
  if (before === undefined || "skipped" in before) throw new Error("nothing is left out where there was room");
  const message = `[thaw] ${event.skipped} log events were left out: the reader is too slow.`;
  return { ...before, message, origin: "platform" };
}

/** An event as its writer gave it: where it stands in the group is for the Logs API alone. */
function withoutPlace({ timestampMs, logStream, message, origin }: LogEvent): LogEvent {
  return { timestampMs, logStream, message, origin };
}
