/**
 * A log group on disk: append-only segments `00000001.log`, … in one directory. Appends go to a bounded buffer in
 * memory and are written by a chain of tasks, one at a time, so that a reader can be placed exactly between what is on
 * disk and what is to come.
 *
 * After a crash the last line of a segment may be torn; a new segment is begun at each start, so it stays the last
 * line, and readers leave it out. Disk full or gone: events are dropped and counted, and the count is written once
 * there is room again.
 */
import { createReadStream } from "node:fs";
import { appendFile, mkdir, readdir, rm, stat, unlink } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { LogEvent } from "../ports/log-store.ts";
import { decodeRecord, encodeRecord } from "./log-record.ts";

export interface LogGroupLimits {
  /** Size at which a segment is closed. The whole group has at most `groupSizeBytesMax` and one segment. */
  readonly segmentSizeBytesMax: number;
  readonly groupSizeBytesMax: number;
  /** Size of the events that are not on disk yet, beyond which new ones are dropped. */
  readonly bufferSizeBytesMax: number;
}

interface Segment {
  readonly number: number;
  sizeBytes: number;
}

/** Content of a group at one moment; the follower is told everything after it. */
export interface LogGroupView {
  readonly segments: readonly Segment[];
  readonly buffered: readonly LogEvent[];
}

export class LogGroup {
  readonly #directory: string;
  readonly #limits: LogGroupLimits;
  readonly #followers = new Set<(event: LogEvent) => void>();
  #segments: Segment[] | null = null;
  #buffer: LogEvent[] = [];
  #bufferSizeBytes = 0;
  #droppedCount = 0;
  #lastDropped: LogEvent | null = null;
  /** End of the chain of tasks: each starts when the one before it has ended. Tasks never reject. */
  #tasks: Promise<void> = Promise.resolve();

  constructor(directory: string, limits: LogGroupLimits) {
    this.#directory = directory;
    this.#limits = limits;
  }

  get hasBuffered(): boolean {
    return this.#buffer.length > 0;
  }

  get bufferSizeBytes(): number {
    return this.#bufferSizeBytes;
  }

  append(event: LogEvent): void {
    const sizeBytes = recordSizeEstimate(event);
    if (this.#bufferSizeBytes + sizeBytes > this.#limits.bufferSizeBytesMax) {
      this.#countDropped([event]);
      return;
    }
    this.#buffer.push(event);
    this.#bufferSizeBytes += sizeBytes;
    for (const follower of this.#followers) follower(event);
  }

  flush(): Promise<void> {
    return this.#enqueue(() => this.#writeBuffer());
  }

  /** Opens a view of the present content. `follower` is told every event after it, none twice. */
  async open(follower: ((event: LogEvent) => void) | null): Promise<LogGroupView> {
    let view: LogGroupView = { segments: [], buffered: [] };
    await this.#enqueue(async () => {
      await this.#writeBuffer();
      const segments = (this.#segments ?? (await this.#findSegments())).map((segment) => ({ ...segment }));
      // No await from here: later events are the follower's.
      view = { segments, buffered: [...this.#buffer] };
      if (follower !== null) this.#followers.add(follower);
    });
    return view;
  }

  unfollow(follower: (event: LogEvent) => void): void {
    this.#followers.delete(follower);
  }

  /** Reads the events of a view, oldest first. A segment that was rotated away meanwhile is left out. */
  async *readView(view: LogGroupView): AsyncGenerator<LogEvent> {
    for (const segment of view.segments) {
      if (segment.sizeBytes > 0) yield* this.#readSegment(segment);
    }
    yield* view.buffered;
  }

  remove(): Promise<void> {
    return this.#enqueue(async () => {
      this.#buffer = [];
      this.#bufferSizeBytes = 0;
      this.#segments = null;
      await rm(this.#directory, { recursive: true, force: true });
    });
  }

  #enqueue(task: () => Promise<void>): Promise<void> {
    const done = this.#tasks.then(task);
    this.#tasks = done.catch(() => undefined);
    return done;
  }

  async #writeBuffer(): Promise<void> {
    if (this.#buffer.length === 0 && this.#droppedCount === 0) return;
    const events = this.#buffer;
    this.#buffer = [];
    this.#bufferSizeBytes = 0;
    const notice = this.#takeDropNotice();
    const all = notice === null ? events : [...events, notice];
    try {
      await this.#writeRecords(all.map(encodeRecord));
    } catch {
      // Disk full, directory gone: the log must never stop an invoke. The torn end of this segment is left behind.
      this.#countDropped(events);
      this.#segments = null;
    }
  }

  async #writeRecords(records: readonly string[]): Promise<void> {
    let batch: string[] = [];
    let batchSize = 0;
    for (const record of records) {
      batch.push(record);
      batchSize += record.length;
      if (batchSize < this.#limits.segmentSizeBytesMax) continue;
      await this.#writeBatch(batch.join(""));
      batch = [];
      batchSize = 0;
    }
    if (batch.length > 0) await this.#writeBatch(batch.join(""));
  }

  async #writeBatch(text: string): Promise<void> {
    const segment = await this.#currentSegment();
    const bytes = Buffer.from(text);
    await appendFile(join(this.#directory, segmentName(segment.number)), bytes);
    segment.sizeBytes += bytes.length;
  }

  async #currentSegment(): Promise<Segment> {
    if (this.#segments === null) {
      await mkdir(this.#directory, { recursive: true });
      this.#segments = await this.#findSegments();
      // Never continue a segment of an earlier start: its last line may be torn.
      this.#beginSegment(this.#segments);
    }
    const last = this.#segments.at(-1);
    if (last !== undefined && last.sizeBytes < this.#limits.segmentSizeBytesMax) return last;
    const begun = this.#beginSegment(this.#segments);
    await this.#removeOldest(this.#segments);
    return begun;
  }

  #beginSegment(segments: Segment[]): Segment {
    const segment = { number: (segments.at(-1)?.number ?? 0) + 1, sizeBytes: 0 };
    segments.push(segment);
    return segment;
  }

  async #removeOldest(segments: Segment[]): Promise<void> {
    let totalBytes = segments.reduce((sum, segment) => sum + segment.sizeBytes, 0);
    while (segments.length > 1 && totalBytes > this.#limits.groupSizeBytesMax) {
      const oldest = segments.shift();
      if (oldest === undefined) return;
      totalBytes -= oldest.sizeBytes;
      await unlink(join(this.#directory, segmentName(oldest.number))).catch(() => undefined);
    }
  }

  async #findSegments(): Promise<Segment[]> {
    let names: string[];
    try {
      names = await readdir(this.#directory);
    } catch {
      return [];
    }
    const segments: Segment[] = [];
    for (const name of names.filter((entry) => /^\d{8}\.log$/.test(entry)).sort()) {
      const { size } = await stat(join(this.#directory, name));
      segments.push({ number: Number.parseInt(name, 10), sizeBytes: size });
    }
    return segments;
  }

  async *#readSegment(segment: Segment): AsyncGenerator<LogEvent> {
    const path = join(this.#directory, segmentName(segment.number));
    const stream = createReadStream(path, { encoding: "utf8", end: segment.sizeBytes - 1 });
    const lines = createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY });
    try {
      for await (const line of lines) {
        const event = decodeRecord(line);
        if (event !== null) yield event;
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    } finally {
      lines.close();
      stream.destroy();
    }
  }

  #countDropped(events: readonly LogEvent[]): void {
    this.#droppedCount += events.length;
    this.#lastDropped = events.at(-1) ?? this.#lastDropped;
  }

  #takeDropNotice(): LogEvent | null {
    const last = this.#lastDropped;
    if (this.#droppedCount === 0 || last === null) return null;
    const message = `[thaw] ${this.#droppedCount} log events were lost: the log could not be written fast enough, or the disk is full.`;
    this.#droppedCount = 0;
    this.#lastDropped = null;
    return { timestampMs: last.timestampMs, logStream: last.logStream, message, origin: "platform" };
  }
}

function segmentName(number: number): string {
  return `${String(number).padStart(8, "0")}.log`;
}

/** Estimates the memory of an event: at most two bytes for each character, and its frame. */
function recordSizeEstimate(event: LogEvent): number {
  return event.message.length * 2 + event.logStream.length + 64;
}
