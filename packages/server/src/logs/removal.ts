/** What goes from the disk: events over the limits, expired ones, groups and streams that were removed. */
import type { Clock } from "../base/clock.ts";
import { EVENT_OVERHEAD_BYTES, type LogDatabase, type LogLimits } from "./log-database.ts";

interface Doomed {
  readonly timestamp_ms: number;
  readonly id: number;
  readonly stream_id: number;
  readonly bytes: number;
}

/** Number of events that go in one step, which takes some milliseconds. */
const STEP_EVENTS = 1_000;
const PAGES_FREED_PER_STEP = 500;
const DAY_MS = 86_400_000;
/** Time after which expired events are looked for. */
const EXPIRY_CHECK_MS = 60_000;

export class Removal {
  readonly #database: LogDatabase;
  readonly #limits: LogLimits;
  /** Groups in which expired events are looked for. */
  #expiring: Array<{ readonly id: number; readonly days: number }> = [];

  constructor(database: LogDatabase, limits: LogLimits) {
    this.#database = database;
    this.#limits = limits;
  }

  /** Carries out one step; false where there is nothing to do. */
  step(nowMs: number): boolean {
    return this.shrink(1) || this.#expire(nowMs) || this.#purgeStream() || this.#purgeGroup() || this.#freePages();
  }

  /** Removes the oldest events over the limits, in `stepsMax` steps at most. Returns whether there was one. */
  shrink(stepsMax: number): boolean {
    for (let step = 0; step < stepsMax; step++) {
      const groupId = this.#findTooLarge();
      if (groupId === null) return step > 0;
      this.#removeOldest(groupId, Number.MAX_SAFE_INTEGER);
    }
    return true;
  }

  #findTooLarge(): number | null {
    const largest = this.#database.get<{ id: number; bytes: number }>(
      "SELECT id, stored_bytes AS bytes FROM groups ORDER BY stored_bytes DESC LIMIT 1",
    );
    if (largest === undefined || largest.bytes === 0) return null;
    if (largest.bytes > this.#limits.groupBytesMax) return largest.id;
    return this.#database.totalBytes > this.#limits.totalBytesMax ? largest.id : null;
  }

  /** Has the steps that follow look for expired events. */
  lookForExpired(): void {
    this.#expiring = [
      ...this.#database.all<{ id: number; days: number }>(
        "SELECT id, retention_days AS days FROM groups WHERE retention_days IS NOT NULL",
      ),
    ];
  }

  #expire(nowMs: number): boolean {
    const group = this.#expiring.at(-1);
    if (group === undefined) return false;
    if (!this.#removeOldest(group.id, nowMs - group.days * DAY_MS)) this.#expiring.pop();
    return true;
  }

  #purgeGroup(): boolean {
    const group = this.#database.get<{ id: number }>("SELECT id FROM groups WHERE is_removed = 1 LIMIT 1");
    if (group === undefined) return false;
    if (this.#removeOldest(group.id, Number.MAX_SAFE_INTEGER)) return true;
    this.#database.transaction(() => {
      this.#database.run("DELETE FROM streams WHERE group_id = ?", group.id);
      this.#database.run("DELETE FROM groups WHERE id = ?", group.id);
    });
    this.#database.forgetStreams();
    return true;
  }

  #purgeStream(): boolean {
    const stream = this.#database.get<{ id: number; group_id: number }>(
      "SELECT id, group_id FROM streams WHERE is_removed = 1 LIMIT 1",
    );
    if (stream === undefined) return false;
    const doomed = this.#database.all<Doomed>(
      `SELECT timestamp_ms, id, stream_id, octet_length(message) + ${EVENT_OVERHEAD_BYTES} AS bytes
       FROM events INDEXED BY events_by_stream WHERE stream_id = ? LIMIT ${STEP_EVENTS}`,
      stream.id,
    );
    if (doomed.length > 0) this.#remove(stream.group_id, doomed);
    else this.#database.run("DELETE FROM streams WHERE id = ?", stream.id);
    return true;
  }

  /** Removes events before a time; false where there is none. */
  #removeOldest(groupId: number, untilMs: number): boolean {
    const doomed = this.#database.all<Doomed>(
      `SELECT timestamp_ms, id, stream_id, octet_length(message) + ${EVENT_OVERHEAD_BYTES} AS bytes
       FROM events WHERE group_id = ? AND timestamp_ms < ? ORDER BY timestamp_ms, id LIMIT ${STEP_EVENTS}`,
      groupId,
      untilMs,
    );
    if (doomed.length > 0) this.#remove(groupId, doomed);
    return doomed.length > 0;
  }

  /** A stream that a function has made goes with its last event; one that a client has made stays, as on AWS. */
  #remove(groupId: number, doomed: readonly Doomed[]): void {
    const bytes = doomed.reduce((sum, event) => sum + event.bytes, 0);
    const streams = new Set(doomed.map((event) => event.stream_id));
    this.#database.transaction(() => {
      for (const { timestamp_ms, id } of doomed)
        this.#database.run(
          "DELETE FROM events WHERE group_id = ? AND timestamp_ms = ? AND id = ?",
          groupId,
          timestamp_ms,
          id,
        );
      this.#database.addBytes(groupId, -bytes);
      for (const stream of streams) {
        if (this.#database.get("SELECT 1 FROM events WHERE stream_id = ? LIMIT 1", stream) !== undefined) continue;
        this.#database.run("DELETE FROM streams WHERE id = ? AND is_explicit = 0", stream);
        this.#database.run("UPDATE streams SET last_event_ms = 0, last_ingestion_ms = 0 WHERE id = ?", stream);
      }
    });
    this.#database.forgetStreams();
  }

  /** Gives pages of what is gone back to the file system. */
  #freePages(): boolean {
    const { freelist_count: free = 0 } = this.#database.get<{ freelist_count: number }>("PRAGMA freelist_count") ?? {};
    if (free <= PAGES_FREED_PER_STEP) return false;
    this.#database.db.exec(`PRAGMA incremental_vacuum(${PAGES_FREED_PER_STEP})`);
    const { freelist_count: left = 0 } = this.#database.get<{ freelist_count: number }>("PRAGMA freelist_count") ?? {};
    return left < free;
  }
}

/** Carries out steps with other work of the thread between them; looks for expired events now and then. */
export class RemovalLoop {
  readonly #removal: Removal;
  readonly #clock: Clock;
  readonly #onProblem: (error: unknown) => void;
  #cancelCheck: () => void = () => undefined;
  #isAwake = false;
  #isEnded = false;

  constructor(removal: Removal, clock: Clock, onProblem: (error: unknown) => void) {
    this.#removal = removal;
    this.#clock = clock;
    this.#onProblem = onProblem;
  }

  /** Says that events may have expired. */
  look(): void {
    this.#removal.lookForExpired();
    this.#cancelCheck();
    this.#cancelCheck = this.#clock.after(EXPIRY_CHECK_MS, () => this.look());
    this.wake();
  }

  /** Says that there may be something to remove. */
  wake(): void {
    if (this.#isAwake || this.#isEnded) return;
    this.#isAwake = true;
    setImmediate(() => this.#step());
  }

  end(): void {
    this.#isEnded = true;
    this.#cancelCheck();
  }

  #step(): void {
    if (this.#isEnded) return;
    this.#isAwake = false;
    try {
      if (this.#removal.step(this.#clock.nowMs())) this.wake();
    } catch (error) {
      this.#onProblem(error);
    }
  }
}
