/**
 * Parked clones: restored, frozen and untouched, one or two for each version that was used a short while ago. An invoke
 * that would be cold takes one of them: the engine's restore is off its path. What is new in every clone (credentials,
 * log stream) is set when it is taken. They give way to everything else: to invokes, to snapshots, to the host's
 * budget.
 */
import type { RuntimeRecipe } from "../../ports/runtime-catalog.ts";
import type { RunnableVersion } from "../../ports/worker.ts";
import type { Environment } from "../environment/environment.ts";
import type { WorkerServices } from "../worker-services.ts";

export interface ParkingPlace {
  environments(): readonly Environment[];
  /** Begins a clone that will be parked. False where the host has no room for it. */
  park(version: RunnableVersion, recipe: RuntimeRecipe): boolean;
}

export class ParkedClones {
  readonly #services: WorkerServices;
  readonly #place: ParkingPlace;
  /** Versions that were used lately, by runKey, each with a function that keeps a clone from being parked for it. */
  readonly #wanted = new Map<string, () => void>();
  #isClosed = false;

  constructor(services: WorkerServices, place: ParkingPlace) {
    this.#services = services;
    this.#place = place;
  }

  /**
   * Notes that a clone of this version was used and another one may be wanted soon. Waits until it has been quiet for a
   * moment.
   */
  noteUse(version: RunnableVersion, recipe: RuntimeRecipe): void {
    const { limits, clock } = this.#services;
    if (this.#isClosed || limits.parkedPerVersionMax === 0 || limits.parkedMax === 0 || version.snapshotId === null)
      return;
    this.forget(version.runKey);
    const cancel = clock.after(limits.parkedQuietMs, () => {
      this.#wanted.delete(version.runKey);
      this.#replenish(version, recipe);
    });
    this.#wanted.set(version.runKey, cancel);
  }

  /** Parks nothing from here on. */
  close(): void {
    this.#isClosed = true;
    for (const runKey of this.#wanted.keys()) this.forget(runKey);
  }

  /** Parks no clones of the version until it is used again. */
  forget(runKey: string): void {
    this.#wanted.get(runKey)?.();
    this.#wanted.delete(runKey);
  }

  #replenish(version: RunnableVersion, recipe: RuntimeRecipe): void {
    const { limits } = this.#services;
    const parked = this.#place.environments().filter((each) => each.isParking && !each.isStopping);
    const own = parked.filter((each) => each.version.runKey === version.runKey);
    if (own.length >= limits.parkedPerVersionMax) return;
    // The one parked longest ago gives way.
    if (parked.length >= limits.parkedMax) parked[0]?.stop();
    if (this.#place.park(version, recipe) && own.length + 1 < limits.parkedPerVersionMax) this.noteUse(version, recipe);
  }
}
