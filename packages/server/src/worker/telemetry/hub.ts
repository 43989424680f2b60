/**
 * The telemetry of one environment: every platform event and every line of output goes through it to those who have
 * subscribed. A subscriber that comes later in Init gets what has been since its start (AWS replays it, too); the
 * events of a restore are kept until the server knows the clone's subscribers.
 */
import type { Clock } from "../../base/clock.ts";
import { Subscriber, type SubscriberOptions } from "./subscriber.ts";
import type { PlatformEvent } from "./platform-log.ts";
import type { TelemetryEvent } from "./telemetry-event.ts";

/** Events that are kept for those who subscribe later. */
const HISTORY_ITEMS_MAX = 10_000;
const HISTORY_BYTES_MAX = 1024 * 1024;
export type NewSubscriber = Omit<SubscriberOptions, "clock">;

export class TelemetryHub {
  readonly #clock: Clock;
  readonly #subscribers = new Map<string, Subscriber>();
  /** Null once nobody can subscribe any more. */
  #history: TelemetryEvent[] | null = [];
  #historyBytes = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  platform(event: PlatformEvent): void {
    this.#publish({ timeMs: this.#clock.nowMs(), type: "platform", event }, 0);
  }

  /** Takes a line of output. `source` begins with the supervisor's name of the process. */
  line(source: string, line: string): void {
    if (this.#history === null && this.#subscribers.size === 0) return;
    const type = source.startsWith("extension/") ? "extension" : "function";
    this.#publish({ timeMs: this.#clock.nowMs(), type, line }, line.length);
  }

  /** Adds a subscriber, or puts it in the place of the one that this extension had. */
  subscribe(name: string, options: NewSubscriber): void {
    this.#subscribers.get(name)?.stop();
    const subscriber = new Subscriber({ ...options, clock: this.#clock });
    this.#subscribers.set(name, subscriber);
    for (const event of this.#history ?? []) subscriber.push(event);
  }

  /** Says that nobody can subscribe any more. */
  close(): void {
    this.#history = null;
  }

  flush(): void {
    for (const subscriber of this.#subscribers.values()) subscriber.flush();
  }

  /** Resolves when all have taken what was there, or after `limitMs`. */
  async settled(limitMs: number): Promise<void> {
    if (this.#subscribers.size === 0) return;
    let cancel: () => void = () => undefined;
    const limit = new Promise<void>((resolve) => {
      cancel = this.#clock.after(Math.max(0, limitMs), resolve);
    });
    await Promise.race([limit, Promise.all([...this.#subscribers.values()].map((each) => each.settled()))]);
    cancel();
  }

  /** Stands still while the sandbox is frozen. */
  pause(): void {
    for (const subscriber of this.#subscribers.values()) subscriber.pause();
  }

  resume(): void {
    for (const subscriber of this.#subscribers.values()) subscriber.resume();
  }

  /** Forgets everything: the sandbox is gone. */
  reset(): void {
    for (const subscriber of this.#subscribers.values()) subscriber.stop();
    this.#subscribers.clear();
    this.#history = [];
    this.#historyBytes = 0;
  }

  #publish(event: TelemetryEvent, sizeBytes: number): void {
    for (const subscriber of this.#subscribers.values()) subscriber.push(event);
    const history = this.#history;
    if (history === null || history.length >= HISTORY_ITEMS_MAX) return;
    if (this.#historyBytes + sizeBytes > HISTORY_BYTES_MAX) return;
    this.#historyBytes += sizeBytes;
    history.push(event);
  }
}
