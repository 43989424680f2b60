/**
 * What is provisioned is initialised anew at each start, so an Init that ends the server would end each of them. It is
 * noted while nobody knows how its Init ends; what ended earlier lives is provisioned one after the other, and not at
 * all after `TRIES_MAX` of them, until somebody puts the configuration anew.
 */
import type { ProvisionedRecord, Work } from "../../model/function-record.ts";
import { TRIES_MAX, type UnfinishedWork } from "../records/unfinished-work.ts";

interface Opened {
  readonly record: ProvisionedRecord;
  readonly runKeys: string;
}

export class ProvisionedTries {
  readonly #unfinished: UnfinishedWork;
  /** Noted, by key: the worker was told, and nobody knows how its Init ends. */
  readonly #open = new Map<string, Opened>();
  /** The versions whose Init has ended in this life, by key. */
  readonly #settled = new Map<string, string>();
  #hasSuspect = false;

  constructor(unfinished: UnfinishedWork) {
    this.#unfinished = unfinished;
  }

  /** Begins a list of all that is wanted. */
  begin(): void {
    this.#hasSuspect = false;
  }

  /** Whether the worker may be told of it now; it is noted then. `runKeys` says which versions run. */
  async admits(record: ProvisionedRecord, runKeys: string): Promise<boolean> {
    if (this.isGivenUp(record)) return false;
    const work = workOf(record);
    if (this.#unfinished.triesOf(work) > 0) {
      if (this.#hasSuspect) return false;
      this.#hasSuspect = true;
    }
    const key = keyOf(record);
    if (this.#settled.get(key) === runKeys) return true;
    this.#open.set(key, { record, runKeys });
    await this.#unfinished.begin(work);
    return true;
  }

  get hasOpen(): boolean {
    return this.#open.size > 0;
  }

  /** Asks how the Init of all that is open has ended. True where another suspect may have its turn. */
  async settle(hasEnded: (record: ProvisionedRecord) => Promise<boolean>): Promise<boolean> {
    let isNext = false;
    for (const [key, { record, runKeys }] of this.#open) {
      if (!(await hasEnded(record))) continue;
      this.#open.delete(key);
      this.#settled.set(key, runKeys);
      isNext ||= this.#unfinished.triesOf(workOf(record)) > 0;
      await this.#unfinished.ended(workOf(record));
    }
    return isNext;
  }

  isGivenUp(record: ProvisionedRecord): boolean {
    return this.#unfinished.triesOf(workOf(record)) >= TRIES_MAX;
  }

  /** Forgets all tries: it was put anew or removed. */
  async forget(record: Pick<ProvisionedRecord, "functionName" | "qualifier">): Promise<void> {
    this.#open.delete(keyOf(record));
    this.#settled.delete(keyOf(record));
    await this.#unfinished.ended(workOf(record));
  }
}

function workOf({ functionName, qualifier }: Pick<ProvisionedRecord, "functionName" | "qualifier">): Work {
  return { kind: "provisioned", functionName, key: qualifier };
}

function keyOf({ functionName, qualifier }: Pick<ProvisionedRecord, "functionName" | "qualifier">): string {
  return `${functionName}:${qualifier}`;
}
