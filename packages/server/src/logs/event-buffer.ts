/**
 * Events that are not in the database yet. It is bounded: what has no more room, or could not be written, is counted,
 * and a line of the group says so once there is room again.
 */
import type { LogEvent } from "../ports/log-store.ts";
import type { EventRun } from "./log-database.ts";

interface Lost {
  readonly count: number;
  readonly last: LogEvent;
}

interface MutableRun extends EventRun {
  readonly events: Array<EventRun["events"][number]>;
}

export interface TakenEvents {
  /** With the lines about what was lost, one for each group, at the end. */
  readonly runs: readonly EventRun[];
  readonly lost: ReadonlyMap<string, Lost>;
  readonly sizeBytes: number;
}

/** Number of groups whose losses are told apart. */
const LOST_GROUPS_MAX = 1_000;

export class EventBuffer {
  readonly #sizeBytesMax: number;
  readonly #lost = new Map<string, Lost>();
  #runs: MutableRun[] = [];
  #sizeBytes = 0;
  /** Size of what was taken, and is not written yet. */
  #takenBytes = 0;

  constructor(sizeBytesMax: number) {
    this.#sizeBytesMax = sizeBytesMax;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Keeps an event; false where it was lost. */
  put(groupArn: string, event: LogEvent): boolean {
    const sizeBytes = sizeOf(event);
    if (this.#sizeBytes + this.#takenBytes + sizeBytes > this.#sizeBytesMax) {
      this.#lose(groupArn, event, 1);
      return false;
    }
    this.#push(groupArn, event);
    this.#sizeBytes += sizeBytes;
    return true;
  }

  /** Takes what is there, with a line for each group that has lost some; null where there is nothing. */
  take(): TakenEvents | null {
    const lost = new Map(this.#lost);
    this.#lost.clear();
    const lines = [...lost].map(([groupArn, { count, last }]) => runOf(groupArn, lossOf(count, last)));
    const taken = { runs: [...this.#runs, ...lines], lost, sizeBytes: this.#sizeBytes };
    if (taken.runs.length === 0) return null;
    this.#runs = [];
    this.#sizeBytes = 0;
    this.#takenBytes += taken.sizeBytes;
    return taken;
  }

  written({ sizeBytes }: TakenEvents): void {
    this.#takenBytes -= sizeBytes;
  }

  failed({ runs, lost, sizeBytes }: TakenEvents): void {
    this.#takenBytes -= sizeBytes;
    for (const [groupArn, { count, last }] of lost) this.#lose(groupArn, last, count);
    for (const { groupArn, logStream, events } of runs.slice(0, runs.length - lost.size)) {
      const [timestampMs, message, origin] = events.at(-1) ?? [0, "", "platform"];
      this.#lose(groupArn, { logStream, timestampMs, message, origin }, events.length);
    }
  }

  #push(groupArn: string, event: LogEvent): void {
    const last = this.#runs.at(-1);
    if (last?.groupArn !== groupArn || last.logStream !== event.logStream) this.#runs.push(runOf(groupArn, event));
    else last.events.push([event.timestampMs, event.message, event.origin]);
  }

  #lose(groupArn: string, event: LogEvent, count: number): void {
    const known = this.#lost.get(groupArn);
    if (known === undefined && this.#lost.size >= LOST_GROUPS_MAX) return;
    this.#lost.set(groupArn, { count: (known?.count ?? 0) + count, last: { ...event, message: "" } });
  }
}

function runOf(groupArn: string, { logStream, timestampMs, message, origin }: LogEvent): MutableRun {
  return { groupArn, logStream, events: [[timestampMs, message, origin]] };
}

function lossOf(count: number, { logStream, timestampMs }: LogEvent): LogEvent {
  const message = `[thaw] ${count} log events were lost: the log could not be written fast enough, or the disk is full.`;
  return { logStream, timestampMs, message, origin: "platform" };
}

/** Estimates the memory of an event: at most two bytes for each character, and its frame. */
function sizeOf({ message, logStream }: LogEvent): number {
  return message.length * 2 + logStream.length + 64;
}
