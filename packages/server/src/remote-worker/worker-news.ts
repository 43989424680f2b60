/**
 * The worker's end of its news: log events and reports wait here until the control plane has taken them. They are asked
 * for, so that a worker need not know where its server is, and nothing is lost while that starts anew. What is beyond
 * the limit drops the oldest.
 */
import type { Clock } from "../base/clock.ts";
import type { LogEvent, LogSink } from "../ports/log-store.ts";
import type { InvocationReport, RestoreReport } from "../ports/reports.ts";
import { type News, NEWS_WAIT_MS, type SentNews } from "./protocol.ts";

/** Characters of a batch, about. */
const BATCH_SIZE_MAX = 512 * 1024;
/** Characters that wait, about: of a server that is away for minutes. */
const WAITING_SIZE_MAX = 32 * 1024 * 1024;
/** What an entry takes besides its message. */
const ENTRY_SIZE = 500;

interface Entry {
  readonly news: News;
  readonly size: number;
}

export class WorkerNews implements LogSink {
  readonly #clock: Clock;
  readonly #sizeMax: number;
  #entries: Entry[] = [];
  /** Number of the first entry; they are counted from 1. */
  #firstAt = 1;
  #size = 0;
  #missed = 0;
  #wake: () => void = () => undefined;

  constructor(clock: Clock, sizeMax: number = WAITING_SIZE_MAX) {
    this.#clock = clock;
    this.#sizeMax = sizeMax;
  }

  append(groupArn: string, logStream: string, timestampMs: number, message: string, origin: LogEvent["origin"]): void {
    const event = { logStream, timestampMs, message, origin };
    this.#add({ kind: "log", groupArn, event }, message.length);
  }

  invoked(report: InvocationReport): void {
    this.#add({ kind: "invocation", report }, 0);
  }

  restored(report: RestoreReport): void {
    this.#add({ kind: "restore", report }, 0);
  }

  /**
   * Gives what came after the entry `after`, and forgets what was before. Waits for something to give, but no longer
   * than NEWS_WAIT_MS, nor than until `isOver`.
   */
  async take(after: number, isOver: AbortSignal): Promise<SentNews> {
    this.#forget(after);
    if (this.#entries.length === 0) await this.#something(isOver);
    const news: News[] = [];
    let size = 0;
    for (const entry of this.#entries) {
      if (news.length > 0 && size + entry.size > BATCH_SIZE_MAX) break;
      size += entry.size;
      news.push(entry.news);
    }
    const lastAt = this.#firstAt - 1 + news.length;
    return { lastAt, missed: this.#missed, monotonicMs: this.#clock.monotonicMs(), news };
  }

  #add(news: News, length: number): void {
    const size = length + ENTRY_SIZE;
    this.#entries.push({ news, size });
    this.#size += size;
    if (this.#size > this.#sizeMax) this.#drop();
    this.#wake();
  }

  /** Drops an eighth at a time: each entry is moved a few times at most. */
  #drop(): void {
    let count = 0;
    for (let left = this.#size; left > (this.#sizeMax * 7) / 8; count++) left -= this.#entries[count]?.size ?? left;
    this.#missed += count;
    this.#forget(this.#firstAt - 1 + count);
  }

  #forget(after: number): void {
    const count = Math.min(Math.max(after - this.#firstAt + 1, 0), this.#entries.length);
    if (count === 0) return;
    for (const { size } of this.#entries.slice(0, count)) this.#size -= size;
    this.#entries = this.#entries.slice(count);
    this.#firstAt += count;
  }

  #something(isOver: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        stop();
        isOver.removeEventListener("abort", done);
        resolve();
      };
      const stop = this.#clock.after(NEWS_WAIT_MS, done);
      this.#wake = done;
      if (isOver.aborted) done();
      else isOver.addEventListener("abort", done);
    });
  }
}
