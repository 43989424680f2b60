/** The server's end of the thread of the logs: starts it when it is first needed, and anew where it has ended. */
import { Worker } from "node:worker_threads";
import type { Clock } from "../base/clock.ts";
import type { Answer, Call, ThreadCalls, ThreadSettings } from "./thread-protocol.ts";

/** A thread that ends at once is not begun again and again. */
const RESTART_DELAY_MS = 1_000;
/** Far above what pages and batches need: without limits its heap would grow with the server's idea of the host. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 16 };
const ENDED = "the thread of the logs has ended";

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

export class LogThread {
  readonly #settings: ThreadSettings;
  readonly #clock: Clock;
  readonly #onProblem: (error: unknown) => void;
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | null = null;
  #lastId = 0;
  #startedMs = Number.NEGATIVE_INFINITY;
  #isClosed = false;

  constructor(settings: ThreadSettings, clock: Clock, onProblem: (error: unknown) => void) {
    this.#settings = settings;
    this.#clock = clock;
    this.#onProblem = onProblem;
  }

  /** Makes a call; those that are made one after the other are begun in this order. Rejects where it fails. */
  call<K extends keyof ThreadCalls>(name: K, ...values: Parameters<ThreadCalls[K]>): ReturnType<ThreadCalls[K]> {
    const id = ++this.#lastId;
    const answered = new Promise((resolve, reject) => {
      const worker = this.#isClosed ? null : (this.#worker ?? this.#start());
      if (worker === null) return reject(new Error(this.#isClosed ? "the logs are closed" : ENDED));
      this.#waiting.set(id, { resolve, reject });
      const call: Call = { id, name, values };
      worker.postMessage(call);
    });
    return answered as ReturnType<ThreadCalls[K]>;
  }

  /** Ends the thread when all calls have been answered. */
  async close(): Promise<void> {
    const worker = this.#worker;
    if (this.#isClosed || worker === null) {
      this.#isClosed = true;
      return;
    }
    const closed = this.call("close");
    this.#isClosed = true;
    try {
      await closed;
    } finally {
      await worker.terminate();
    }
  }

  #start(): Worker | null {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#startedMs < RESTART_DELAY_MS) return null;
    this.#startedMs = nowMs;
    const worker = new Worker(new URL("./log-thread.ts", import.meta.url), {
      workerData: this.#settings,
      resourceLimits: RESOURCE_LIMITS,
    });
    worker.on("message", (answer: Answer) => this.#take(answer));
    let failure = new Error(ENDED);
    worker.on("error", (error) => {
      failure = error instanceof Error ? error : new Error(String(error));
      this.#onProblem(error);
    });
    worker.on("exit", () => {
      if (this.#worker === worker) this.#worker = null;
      const all = [...this.#waiting.values()];
      this.#waiting.clear();
      for (const { reject } of all) reject(failure);
    });
    this.#worker = worker;
    return worker;
  }

  #take({ id, result, problem }: Answer): void {
    if (id === 0) return this.#onProblem(new Error(problem ?? "the logs have an unknown problem"));
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (problem === null) waiting?.resolve(result);
    else waiting?.reject(new Error(problem));
  }
}
