/**
 * What is provisioned is initialised anew at each start, so an Init that ends the server would end each of them. It is
 * noted while nobody knows how its Init ends; what ended earlier lives waits for its turn, and is not provisioned at
 * all after `TRIES_MAX` of them, until somebody puts the configuration anew.
 */
import type { ProvisionedRecord, Work } from "../../model/function-record.ts";
import { TRIES_MAX, type UnfinishedWork } from "../records/unfinished-work.ts";

interface Opened {
  readonly record: ProvisionedRecord;
  readonly runKeys: string;
  readonly sinceMs: number;
}

type Key = Pick<ProvisionedRecord, "functionName" | "qualifier">;

/** Longest time that an Init is waited for: one that has found no room until then has not ended the server. */
const OPEN_MS_MAX = 5 * 60_000;

export class ProvisionedTries {
  readonly #unfinished: UnfinishedWork;
  readonly #onTurn: () => void;
  /** Noted, by key: the worker was told, and nobody knows how its Init ends. */
  readonly #open = new Map<string, Opened>();
  /** The versions whose Init has ended in this life, by key. */
  readonly #settled = new Map<string, string>();
  /** Suspects that wait for their turn. */
  readonly #waiting = new Set<string>();

  /** `onTurn` hears that a suspect may be provisioned now. */
  constructor(unfinished: UnfinishedWork, onTurn: () => void) {
    this.#unfinished = unfinished;
    this.#onTurn = onTurn;
  }

  /** Whether the worker may be told of it now; it is noted then. `runKeys` says which versions run. */
  async admits(record: ProvisionedRecord, runKeys: string, nowMs: number): Promise<boolean> {
    const key = keyOf(record);
    if (runKeys === "" || this.#settled.get(key) === runKeys) return true;
    if (this.isGivenUp(record)) return false;
    const work = workOf(record);
    if (this.#unfinished.isSuspect(work) && !this.#unfinished.takeTurn(work)) {
      this.#wait(key, work);
      return false;
    }
    if (!this.#open.has(key)) this.#open.set(key, { record, runKeys, sinceMs: nowMs });
    await this.#unfinished.begin(work);
    return true;
  }

  #wait(key: string, work: Work): void {
    if (this.#waiting.has(key)) return;
    this.#waiting.add(key);
    void this.#unfinished.turn(work).then(() => {
      if (this.#waiting.delete(key)) this.#onTurn();
    });
  }

  get hasOpen(): boolean {
    return this.#open.size > 0;
  }

  /** Asks how the Init of all that is open has ended. */
  async settle(nowMs: number, hasEnded: (record: ProvisionedRecord) => Promise<boolean>): Promise<void> {
    for (const [key, { record, runKeys, sinceMs }] of this.#open) {
      if (nowMs - sinceMs < OPEN_MS_MAX && !(await hasEnded(record))) continue;
      this.#open.delete(key);
      this.#settled.set(key, runKeys);
      await this.#ended(record);
    }
  }

  isGivenUp(record: Key): boolean {
    return this.#unfinished.triesOf(workOf(record)) >= TRIES_MAX;
  }

  /** Forgets all tries: it was put anew, or has gone. */
  async forget(record: Key): Promise<void> {
    const key = keyOf(record);
    this.#open.delete(key);
    this.#settled.delete(key);
    this.#waiting.delete(key);
    await this.#ended(record);
  }

  async #ended(record: Key): Promise<void> {
    await this.#unfinished.ended(workOf(record));
    this.#unfinished.leaveTurn(workOf(record));
  }
}

function workOf({ functionName, qualifier }: Key): Work {
  return { kind: "provisioned", functionName, key: qualifier };
}

function keyOf({ functionName, qualifier }: Key): string {
  return `${functionName}:${qualifier}`;
}
