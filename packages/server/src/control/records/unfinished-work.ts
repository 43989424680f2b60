/**
 * Work that a start takes up again, and that may itself be what ended the server: a snapshot whose capture kills
 * sandboxd, an accepted event whose invoke does. It is noted before it begins and when it has ended. Whatever is noted
 * at a start was under way when the last life ended: it is suspect, is taken up alone, and after `TRIES_MAX` lives in a
 * row that ended so it is given up. An end that was asked for (SIGTERM, a renewal) counts for nothing. Suspects of all
 * kinds take turns, so that no one is blamed for what another did.
 *
 * Design 0006 has the reasons.
 */
import type { UnfinishedWork as Noted, Work } from "../../model/function-record.ts";
import type { ControlParts } from "../services.ts";

/**
 * Number of lives that may end while the same work is under way. The first end may be anybody's: several things are
 * under way. A second one, alone, may still be chance (the host's power, its memory, an operator). A third is not.
 */
export const TRIES_MAX = 3;

type Needs = Pick<ControlParts, "store" | "changes" | "onProblem">;

export class UnfinishedWork {
  readonly #services: Needs;
  /** Work that earlier lives left, by its key. */
  readonly #left = new Map<string, Noted>();
  /** Work that this life has begun and not ended. */
  readonly #begun = new Map<string, Work>();

  /** Key of the suspect whose turn it is, and those that wait for theirs. */
  #holder: string | null = null;
  readonly #waiting: Array<{ readonly key: string; readonly resolve: () => void }> = [];

  constructor(services: Needs) {
    this.#services = services;
  }

  /** Reads what the last life left, once, before anything begins. */
  async load(): Promise<void> {
    for (const noted of await this.#services.store.listUnfinished()) this.#left.set(keyOf(noted), noted);
  }

  /** Number of lives in a row that ended while it was under way; 0 once it has ended in this one. */
  triesOf(work: Work): number {
    return this.#left.get(keyOf(work))?.tries ?? 0;
  }

  isSuspect(work: Work): boolean {
    return this.triesOf(work) > 0;
  }

  /** Takes the turn of a suspect. False where it is another one's. */
  takeTurn(work: Work): boolean {
    const key = keyOf(work);
    this.#holder ??= key;
    return this.#holder === key;
  }

  /** Resolves when it is the work's turn, at once where it is no suspect. Whoever waited leaves the turn. */
  async turn(work: Work): Promise<void> {
    if (!this.isSuspect(work) || this.takeTurn(work)) return;
    await new Promise<void>((resolve) => this.#waiting.push({ key: keyOf(work), resolve }));
  }

  /** Gives the turn to the next one, where the work has it; else it no longer waits for it. */
  leaveTurn(work: Work): void {
    const key = keyOf(work);
    const at = this.#waiting.findIndex((each) => each.key === key);
    if (at !== -1) this.#waiting.splice(at, 1)[0]?.resolve();
    if (this.#holder !== key) return;
    const next = this.#waiting.shift();
    this.#holder = next?.key ?? null;
    next?.resolve();
  }

  /** Notes a beginning, before the work begins; a life counts once. Never rejects. */
  async begin(work: Work): Promise<void> {
    const key = keyOf(work);
    if (this.#begun.has(key)) return;
    this.#begun.set(key, work);
    await this.#put(work, this.triesOf(work) + 1);
  }

  /** Notes that the work has ended and the server has not, whatever came of it. Never rejects. */
  async ended(work: Work): Promise<void> {
    const key = keyOf(work);
    const wasBegun = this.#begun.delete(key);
    const wasLeft = this.#left.delete(key);
    if (wasBegun || wasLeft) await this.#put(work, 0);
  }

  /** Takes back what this life has noted: it ends because it was told to. Never rejects. */
  async forgive(): Promise<void> {
    for (const work of this.#begun.values()) await this.#put(work, this.triesOf(work));
    this.#begun.clear();
  }

  async #put(work: Work, tries: number): Promise<void> {
    try {
      await this.#services.changes.commit([{ op: "putUnfinished", work: { ...work, tries } }]);
    } catch (error) {
      // A full disk is no reason to refuse work.
      this.#services.onProblem(`note the ${work.kind} ${work.key} of ${work.functionName}`, error);
    }
  }
}

function keyOf({ kind, functionName, key }: Work): string {
  return `${kind}:${functionName}:${key}`;
}
