/** The control plane's end of a worker's news: asks for them again and again, and hands each on once. */
import { pause } from "../base/retry.ts";
import type { Clock } from "../base/clock.ts";
import { ThawError } from "../model/platform-errors.ts";
import type { LogSink } from "../ports/log-store.ts";
import type { InvocationReport, RestoreReport } from "../ports/reports.ts";
import type { Connections } from "./connections.ts";
import type { News, SentNews } from "./protocol.ts";

/** Between a call that failed and the next one. */
const AGAIN_MS = 1000;

/** Who is told what happens at a worker. */
export interface NewsTaker {
  readonly logs: LogSink;
  invoked(report: InvocationReport): void;
  restored(report: RestoreReport): void;
  /** So many entries were dropped, because nobody took them for too long. */
  missed(count: number): void;
  /** The worker can't be asked; told once until it answers. */
  failed(error: unknown): void;
}

export class NewsReader {
  readonly #connections: Connections;
  readonly #taker: NewsTaker;
  readonly #clock: Clock;
  readonly #over = new AbortController();
  /** The start of the worker whose news were read; its entries are counted from there. */
  #incarnation = "";
  #lastAt = 0;
  #missed = 0;
  #hasFailed = false;

  constructor(connections: Connections, taker: NewsTaker, clock: Clock) {
    this.#connections = connections;
    this.#taker = taker;
    this.#clock = clock;
    void this.#read();
  }

  end(): void {
    this.#over.abort();
  }

  async #read(): Promise<void> {
    while (!this.#over.signal.aborted) {
      try {
        this.#hand((await this.#ask()) as SentNews & { readonly incarnation: string });
        this.#hasFailed = false;
      } catch (error) {
        if (this.#over.signal.aborted) return;
        // A worker that is away is one thing that happened, however often it is asked.
        if (!this.#hasFailed || !(error instanceof ThawError)) this.#taker.failed(error);
        this.#hasFailed = true;
        await pause(this.#clock, AGAIN_MS);
      }
    }
  }

  #ask(): Promise<unknown> {
    return this.#connections.ask("news", [this.#incarnation, this.#lastAt], { signal: this.#over.signal });
  }

  #hand({ incarnation, lastAt, missed, monotonicMs, news }: SentNews & { readonly incarnation: string }): void {
    const before = incarnation === this.#incarnation ? this.#missed : 0;
    this.#incarnation = incarnation;
    this.#lastAt = lastAt;
    this.#missed = missed;
    if (missed > before) this.#taker.missed(missed - before);
    const shiftMs = this.#clock.monotonicMs() - monotonicMs;
    for (const each of news) this.#handOne(each, shiftMs);
  }

  #handOne(news: News, shiftMs: number): void {
    switch (news.kind) {
      case "log": {
        const { logStream, timestampMs, message, origin } = news.event;
        return this.#taker.logs.append(news.groupArn, logStream, timestampMs, message, origin);
      }
      case "invocation":
        return this.#taker.invoked(shifted(news.report, shiftMs));
      case "restore":
        return this.#taker.restored({
          ...news.report,
          startedMonotonicMs: news.report.startedMonotonicMs + shiftMs,
        });
    }
  }
}

/** Puts the starts of phases, which are on the worker's monotonic clock, on the one of this process. */
function shifted(report: InvocationReport, shiftMs: number): InvocationReport {
  if (report.started === null) return report;
  const { phases, phaseStarts } = report.started;
  const starts = Object.entries(phaseStarts).map(([name, startMs]) => [name, startMs + shiftMs]);
  return { ...report, started: { phases, phaseStarts: Object.fromEntries(starts) } };
}
