/**
 * Clones, and between them an environment that is initialised apart: what it says otherwise, all clones have from the
 * Init that was snapshotted.
 */
import { ApiError } from "../../model/api-error.ts";
import type { CloneAnswers } from "../../model/compare-clones.ts";
import { keptWords, type KeptWord, movingPlaces, repeatedRows } from "../../model/fresh-start.ts";
import type { RunnableVersion } from "../../ports/worker.ts";
import { type CheckedClone, INVOKES_PER_CLONE } from "./run-clones.ts";

/** Makes an environment of a version, for this check alone, and gives it the event so often. */
export type RunEnvironment = (version: RunnableVersion, invokes: number) => Promise<CheckedClone>;

export interface RanEnvironments {
  readonly clones: readonly CheckedClone[];
  /** Null: none could be compared; `limits` says why. */
  readonly fresh: CheckedClone | null;
  /** What could not be done, in plain words. */
  readonly limits: readonly string[];
}

export interface ComparedApart {
  readonly kept: readonly KeptWord[];
  readonly rows: readonly KeptWord[];
  readonly limits: readonly string[];
}

const LONG_WORD_SIZE_MIN = 8;
/** Of the longer look at values that move alike; with slow functions it would take too long. */
const LONG_LOOK_INVOKES = 12;
const LONG_LOOK_INVOKE_MS_MAX = 1000;

export function answersOf(clones: readonly CheckedClone[]): CloneAnswers {
  return clones.map((clone) => clone.answers);
}

/**
 * One after the other: each has the host to itself, as a cold start has at its best. What moves with time is then no
 * difference.
 */
export async function runEnvironments(
  run: RunEnvironment,
  version: RunnableVersion,
  count: number,
): Promise<RanEnvironments> {
  const clones = [await run(version, INVOKES_PER_CLONE)];
  const { fresh, limits } = await runApart(run, version);
  while (clones.length < count) clones.push(await run(version, INVOKES_PER_CLONE));
  const failed = clones.some((clone) => clone.errors.length > 0) ? undefined : fresh?.errors[0];
  if (failed === undefined) return { clones, fresh, limits };
  const why = `The function started without the snapshot failed for this event, so copies were compared with each other only: ${failed.slice(0, 200)}`;
  return { clones, fresh: null, limits: [why] };
}

async function runApart(
  run: RunEnvironment,
  version: RunnableVersion,
): Promise<Pick<RanEnvironments, "fresh" | "limits">> {
  try {
    return { fresh: await run(initialisedApart(version), INVOKES_PER_CLONE), limits: [] };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return {
      fresh: null,
      limits: [
        `The function could not be started without the snapshot, so copies were compared with each other only: ${error.message}`,
      ],
    };
  }
}

/** The same version without its snapshot: its environments are initialised, each by itself. */
function initialisedApart(version: RunnableVersion): RunnableVersion {
  return { ...version, snapshotId: null, snapshotKey: null, snapshotFingerprints: null };
}

/** `given`: texts of the event. `looksAtRows`: no generator was found yet. */
export async function compareApart(
  run: RunEnvironment,
  version: RunnableVersion,
  { clones, fresh }: RanEnvironments,
  { given, looksAtRows }: { readonly given: readonly string[]; readonly looksAtRows: boolean },
): Promise<ComparedApart> {
  if (fresh === null || clones.some((clone) => clone.errors.length > 0)) return { kept: [], rows: [], limits: [] };
  const kept = keptWords(answersOf(clones), fresh.answers, given);
  const isMoving = looksAtRows && movingPlaces(answersOf(clones), fresh.answers, given).length > 0;
  // Two copies say the same short word by accident, now and then; a long one they do not.
  if (!isMoving && kept.every((word) => word.text.length >= LONG_WORD_SIZE_MIN)) return { kept, rows: [], limits: [] };
  if ((clones[0]?.invokeMs[1] ?? 0) > LONG_LOOK_INVOKE_MS_MAX) {
    return {
      kept,
      rows: [],
      limits: ["Values of few letters were not tried again with more copies: an invoke takes more than a second."],
    };
  }
  const invokes = isMoving ? LONG_LOOK_INVOKES : INVOKES_PER_CLONE;
  const again = answersOf([await run(version, invokes), await run(version, invokes)]);
  const stays = new Set(keptWords(again, fresh.answers, given).map((word) => `${word.place} ${word.text}`));
  const apart = isMoving ? await run(initialisedApart(version), invokes) : null;
  return {
    kept: kept.filter((word) => stays.has(`${word.place} ${word.text}`)),
    rows: apart === null ? [] : repeatedRows(again, apart.answers, given),
    limits: [],
  };
}
