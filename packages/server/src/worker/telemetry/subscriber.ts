/**
 * One subscription's buffer and its way into the sandbox. Events leave in order, in batches; one batch at a time is on
 * its way. What a listener does not take is kept up to a limit, then dropped, and told as `platform.logsDropped` when
 * there is room again. Nobody ever waits for a subscriber but the flush before a snapshot, and that not for long.
 *
 * ```text
 *  push ─► buffer ─► (full, timed out, flush) ─► batch ─► HTTP or TCP ─► next batch
 *            │                                     │ failed: again after a while, ATTEMPTS times, then dropped
 *            └ over twice maxBytes: dropped        └ paused (frozen): the clock stands still
 * ```
 */
import type { Clock } from "../../base/clock.ts";
import type { OutwardConnection, SupervisorLink } from "../../ports/supervisor.ts";
import type { PlatformEvent } from "./platform-log.ts";
import { type TelemetryEvent, type TelemetryForm, writeTelemetry } from "./telemetry-event.ts";

/** Time of one attempt to hand over a batch. */
const ATTEMPT_MS = 2000;
const ATTEMPTS = 3;
const BACKOFF_MS = 100;
/** Part of the buffer's limit by which events may lie over maxBytes while a batch is on its way. */
const BUFFER_FACTOR = 2;
const COMMA = Buffer.from(",");
const LINE_END = Buffer.from("\n");
/** AWS's text (environment-behaviour, section 3.2). */
const DROP_REASON = "Some logs were dropped because the downstream consumer is slower than the logs production rate";

export interface SubscriberOptions {
  readonly form: TelemetryForm;
  readonly types: readonly string[];
  readonly destination:
    | { readonly protocol: "HTTP"; readonly port: number; readonly path: string; readonly method: string }
    | { readonly protocol: "TCP"; readonly port: number };
  readonly buffering: { readonly maxItems: number; readonly maxBytes: number; readonly timeoutMs: number };
  readonly clock: Clock;
  readonly link: Pick<SupervisorLink, "post" | "connect">;
}

export class Subscriber {
  readonly #options: SubscriberOptions;
  #buffer: Buffer[] = [];
  #bufferBytes = 0;
  #droppedRecords = 0;
  #droppedBytes = 0;
  /** Stops the timer that ends the buffer's time, a pause between attempts, or an attempt; null where none runs. */
  #timer: Timer | null = null;
  /** The batch that is on its way; null where none is. */
  #batch: readonly Buffer[] | null = null;
  #attempt = 0;
  #connection: OutwardConnection | null = null;
  #isPaused = false;
  #isStopped = false;
  #whenSettled: Array<() => void> = [];

  constructor(options: SubscriberOptions) {
    this.#options = options;
  }

  push(event: TelemetryEvent): void {
    if (this.#isStopped || !this.#options.types.includes(event.type)) return;
    const text = writeTelemetry(event, this.#options.form);
    if (text === null) return;
    const bytes = Buffer.from(text);
    const { maxBytes, maxItems } = this.#options.buffering;
    if (
      this.#bufferBytes + bytes.length > maxBytes * BUFFER_FACTOR ||
      this.#buffer.length >= maxItems * BUFFER_FACTOR
    ) {
      this.#drop(1, bytes.length);
      return;
    }
    this.#add(bytes);
    if (this.#batch !== null || this.#isPaused) return;
    if (this.#isFull()) this.#send();
    else if (this.#timer === null) this.#startTimer(this.#options.buffering.timeoutMs, () => this.#send());
  }

  /** Sends what is there, without waiting for the buffer's time. */
  flush(): void {
    if (this.#batch === null && !this.#isPaused) this.#send();
  }

  /** Flushes, and resolves when nothing is left to be sent. */
  settled(): Promise<void> {
    this.flush();
    if (this.#isStopped || (this.#batch === null && this.#buffer.length === 0)) return Promise.resolve();
    return new Promise((resolve) => this.#whenSettled.push(resolve));
  }

  /** Stops the clock: the sandbox is frozen, and nobody in it can answer. */
  pause(): void {
    this.#isPaused = true;
    this.#timer?.pause();
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    if (this.#timer !== null) this.#timer.resume();
    else if (this.#batch === null && this.#buffer.length > 0)
      this.#startTimer(this.#options.buffering.timeoutMs, () => this.#send());
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
    this.#timer = null;
    this.#connection?.close();
    this.#buffer = [];
    this.#settle();
  }

  #add(bytes: Buffer): void {
    this.#buffer.push(bytes);
    this.#bufferBytes += bytes.length;
  }

  #drop(records: number, bytes: number): void {
    this.#droppedRecords += records;
    this.#droppedBytes += bytes;
  }

  #isFull(): boolean {
    const { maxBytes, maxItems } = this.#options.buffering;
    return this.#bufferBytes >= maxBytes || this.#buffer.length >= maxItems;
  }

  #startTimer(delayMs: number, run: () => void): void {
    this.#timer?.cancel();
    this.#timer = new Timer(this.#options.clock, delayMs, () => {
      this.#timer = null;
      run();
    });
    if (this.#isPaused) this.#timer.pause();
  }

  /** Takes a batch out of the buffer and sends it. */
  #send(): void {
    this.#timer?.cancel();
    this.#timer = null;
    if (this.#isStopped || this.#isPaused) return;
    this.#tellDropped();
    if (this.#buffer.length === 0) return this.#settle();
    const { maxBytes, maxItems } = this.#options.buffering;
    let bytes = 0;
    let count = 0;
    while (count < this.#buffer.length && count < maxItems && bytes < maxBytes)
      bytes += this.#buffer[count++]?.length ?? 0;
    this.#batch = this.#buffer.splice(0, count);
    this.#bufferBytes -= bytes;
    this.#attempt = 0;
    this.#try();
  }

  #tellDropped(): void {
    if (this.#droppedRecords === 0) return;
    const event: PlatformEvent = {
      kind: "logs-dropped",
      reason: DROP_REASON,
      droppedRecords: this.#droppedRecords,
      droppedBytes: this.#droppedBytes,
    };
    this.#droppedRecords = 0;
    this.#droppedBytes = 0;
    const timeMs = this.#options.clock.nowMs();
    const text = writeTelemetry({ timeMs, type: "platform", event }, this.#options.form);
    if (text !== null && this.#options.types.includes("platform")) this.#add(Buffer.from(text));
  }

  #try(): void {
    const batch = this.#batch;
    if (batch === null) return;
    const attempt = new AbortController();
    this.#startTimer(ATTEMPT_MS, () => attempt.abort());
    this.#hand(batch, attempt.signal).then(
      () => this.#done(true),
      () => this.#done(false),
    );
  }

  async #hand(batch: readonly Buffer[], signal: AbortSignal): Promise<void> {
    const { destination, link } = this.#options;
    if (destination.protocol === "HTTP") {
      const { port, path, method } = destination;
      const status = await link.post({ port, path, method, body: toArray(batch), signal });
      if (status < 200 || status > 299) throw new Error(`status ${status}`);
      return;
    }
    const connection = this.#connection ?? link.connect(destination.port);
    this.#connection = connection;
    const aborted = new Promise<never>((_resolve, reject) => {
      signal.addEventListener("abort", () => reject(new Error("too slow")), { once: true });
    });
    await Promise.race([connection.write(toLines(batch)), aborted]);
  }

  #done(isTaken: boolean): void {
    this.#timer?.cancel();
    this.#timer = null;
    const batch = this.#batch;
    if (this.#isStopped || batch === null) return;
    if (!isTaken) {
      this.#connection?.close();
      this.#connection = null;
      this.#attempt++;
      if (this.#attempt < ATTEMPTS) return this.#startTimer(BACKOFF_MS * 2 ** (this.#attempt - 1), () => this.#try());
      this.#drop(
        batch.length,
        batch.reduce((sum, bytes) => sum + bytes.length, 0),
      );
    }
    this.#batch = null;
    if (this.#buffer.length === 0) return this.#settle();
    if (this.#whenSettled.length > 0 || this.#isFull()) return this.#send();
    this.#startTimer(this.#options.buffering.timeoutMs, () => this.#send());
  }

  #settle(): void {
    for (const resolve of this.#whenSettled.splice(0)) resolve();
  }
}

function toArray(batch: readonly Buffer[]): Buffer {
  const parts = batch.flatMap((bytes, index) => (index === 0 ? [bytes] : [COMMA, bytes]));
  return Buffer.concat([Buffer.from("["), ...parts, Buffer.from("]")]);
}

function toLines(batch: readonly Buffer[]): Buffer {
  return Buffer.concat(batch.flatMap((bytes) => [bytes, LINE_END]));
}

/** A timer that can stand still. */
class Timer {
  readonly #clock: Clock;
  readonly #run: () => void;
  #leftMs: number;
  #startMs = 0;
  #cancel: (() => void) | null = null;

  constructor(clock: Clock, delayMs: number, run: () => void) {
    this.#clock = clock;
    this.#leftMs = delayMs;
    this.#run = run;
    this.resume();
  }

  pause(): void {
    if (this.#cancel === null) return;
    this.#leftMs = Math.max(0, this.#leftMs - (this.#clock.monotonicMs() - this.#startMs));
    this.cancel();
  }

  resume(): void {
    if (this.#cancel !== null) return;
    this.#startMs = this.#clock.monotonicMs();
    this.#cancel = this.#clock.after(this.#leftMs, this.#run);
  }

  cancel(): void {
    this.#cancel?.();
    this.#cancel = null;
  }
}
