/**
 * The steps of an environment's life that are measured, each with its start and its duration. Steps overlap: a sum
 * contains its parts (`engine` and `restore` below), and `prefetch` goes on beside everything else.
 *
 * ```text
 * initialised  engine [ sandbox mount supervisor connect ]  init                                  firstResponse
 * restored     restore [ engine [ prepare sandbox mount criu connect ]  parked  hooks ]           firstResponse
 *                         prefetch ───────────────────────────────────────────►
 * snapshot     engine [ … ]  init  snapshot [ complete criu tmp seal upload ]
 * ```
 */
import { strict as assert } from "node:assert";

/** Steps of sandboxd, by the names that it sends. */
export const HOST_PHASES = [
  /** Reads the snapshot's manifest and lays out what CRIU reads. */
  "prepare",
  /** Takes a ready sandbox from the pool. */
  "sandbox",
  "mount",
  /** Starts the supervisor's process. */
  "supervisor",
  /** CRIU itself: the restore, or the dump. */
  "criu",
  /** Puts all of a clone's memory in place before a snapshot is taken of it. */
  "complete",
  /** Stores `/tmp`. */
  "tmp",
  /** Makes the snapshot durable. */
  "seal",
] as const;

/** Steps of an engine's `create` or `restore`. */
export const ENGINE_PHASES = [
  ...HOST_PHASES,
  /** From the supervisor's socket to its HELLO. */
  "connect",
] as const;

export const PHASES = [
  ...ENGINE_PHASES,
  /** Writes the snapshot to the far store. */
  "upload",
  /** The engine's call as a whole. */
  "engine",
  "init",
  /** From the connection until the runtime presents the call in which the snapshot was taken. */
  "parked",
  /** From the answer of `restore/next` until the runtime asks for its first event. */
  "hooks",
  /** The Restore phase as a whole, as RESTORE_REPORT has it. */
  "restore",
  /** From the first event to its response. */
  "firstResponse",
  /** The pager brings the working set ahead. */
  "prefetch",
  /** The engine's `take` as a whole. */
  "snapshot",
] as const;

export type HostPhaseName = (typeof HOST_PHASES)[number];
export type PhaseName = (typeof PHASES)[number];

/** Milliseconds. `startMs` counts from what the list that holds the phase says. */
export interface Phase {
  readonly name: PhaseName;
  readonly startMs: number;
  readonly durationMs: number;
}

/** Milliseconds by phase, in order of recording: durations, or starts. A phase that did not happen is left out. */
export type PhaseTimes = Readonly<Partial<Record<PhaseName, number>>>;

/** The form in which phases are shown outside. */
export interface ShownPhases {
  /** Durations. */
  readonly phases: PhaseTimes;
  /** Starts; negative for a step that was done ahead, in a parked clone. */
  readonly phaseStarts: PhaseTimes;
}

/** Turns steps that follow one another without a gap into phases with starts; the first starts at 0. */
export function inOrder(steps: ReadonlyArray<readonly [PhaseName, number]>): readonly Phase[] {
  let startMs = 0;
  return steps.map(([name, durationMs]) => {
    const phase = { name, startMs, durationMs };
    startMs += durationMs;
    return phase;
  });
}

export function isHostPhase(name: string): name is HostPhaseName {
  return (HOST_PHASES as readonly string[]).includes(name);
}

/**
 * Records the phases of one life on one monotonic clock. Each name is written once: a second time is a defect of ours.
 */
export class PhaseRecorder {
  readonly #nowMs: () => number;
  readonly #phases = new Map<PhaseName, Phase>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Starts measuring; the function that it returns ends the phase and returns its duration. */
  start(name: PhaseName): () => number {
    const startMs = this.#nowMs();
    return () => {
      const durationMs = this.#nowMs() - startMs;
      this.record({ name, startMs, durationMs });
      return durationMs;
    };
  }

  /** `startMs` is on the recorder's clock. */
  record(phase: Phase): void {
    assert(!this.#phases.has(phase.name), `phase ${phase.name} was recorded twice`);
    this.#phases.set(phase.name, phase);
  }

  /** Adds phases that were measured elsewhere; their starts count from `fromMs` on the recorder's clock. */
  include(phases: readonly Phase[], fromMs: number): void {
    for (const phase of phases) this.record({ ...phase, startMs: fromMs + phase.startMs });
  }

  /** Returns the phase; null where it has not been recorded. */
  find(name: PhaseName): Phase | null {
    return this.#phases.get(name) ?? null;
  }

  /** Forgets everything: the environment starts anew, with another sandbox. */
  clear(): void {
    this.#phases.clear();
  }

  /** `fromMs`: the time on the recorder's clock from which the shown starts count. */
  show(fromMs: number): ShownPhases {
    const phases: Partial<Record<PhaseName, number>> = {};
    const phaseStarts: Partial<Record<PhaseName, number>> = {};
    for (const { name, startMs, durationMs } of this.#phases.values()) {
      phases[name] = durationMs;
      phaseStarts[name] = startMs - fromMs;
    }
    return { phases, phaseStarts };
  }
}
