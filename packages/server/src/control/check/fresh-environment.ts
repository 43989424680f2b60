/**
 * Runs clones, and between them a fresh environment. A value that the clones share and the fresh environment does not
 * have comes from the Init that was snapshotted.
 */
import { ApiError } from "../../model/api-error.ts";
import type { CloneAnswers } from "../../model/compare-clones.ts";
import type { Clock } from "../../base/clock.ts";
import {
  type AgeWord,
  agesOfInit,
  keptWords,
  type KeptWord,
  movingPlaces,
  repeatedRows,
} from "../../model/fresh-start.ts";
import { type InitMomentsContext, momentsOfInit, WHOLE_SPREAD_MS } from "../../model/init-moments.ts";
import type { RunnableVersion } from "../../ports/worker.ts";
import { type CheckedClone, INVOKES_PER_CLONE } from "./run-clones.ts";

/** Makes an environment of a version, for this check alone, and gives it the event `invokes` times. */
export type RunEnvironment = (version: RunnableVersion, invokes: number) => Promise<CheckedClone>;

export interface RanEnvironments {
  readonly clones: readonly CheckedClone[];
  /** The fresh environment; null where it could not be compared, and `limits` says why. */
  readonly fresh: CheckedClone | null;
  /** Parts of the comparison that could not be made, in plain words. */
  readonly limits: readonly string[];
}

export interface FreshComparison {
  readonly kept: readonly KeptWord[];
  readonly rows: readonly KeptWord[];
  readonly limits: readonly string[];
  /** Answers of clones that were run for this. */
  readonly again: CloneAnswers;
}

const LONG_WORD_SIZE_MIN = 8;
/** Number of invokes of the longer look at values that move alike; slow functions are not given it. */
const LONG_LOOK_INVOKES = 12;
const LONG_LOOK_INVOKE_MS_MAX = 1000;

export function answersOf(clones: readonly CheckedClone[]): CloneAnswers {
  return clones.map((clone) => clone.answers);
}

/**
 * Runs `count` clones and the fresh environment, one after the other: each has the host to itself, as a cold start has
 * at its best. Values that move with time are then no difference.
 */
export async function runEnvironments(
  run: RunEnvironment,
  version: RunnableVersion,
  count: number,
): Promise<RanEnvironments> {
  const clones = [await run(version, INVOKES_PER_CLONE)];
  const { fresh, limits } = await runFresh(run, version);
  while (clones.length < count) clones.push(await run(version, INVOKES_PER_CLONE));
  const failed = clones.some((clone) => clone.errors.length > 0) ? undefined : fresh?.errors[0];
  if (failed === undefined) return { clones, fresh, limits };
  const why = `The function started without the snapshot failed for this event, so copies were compared with each other only: ${failed.slice(0, 200)}`;
  return { clones, fresh: null, limits: [why] };
}

async function runFresh(
  run: RunEnvironment,
  version: RunnableVersion,
): Promise<Pick<RanEnvironments, "fresh" | "limits">> {
  try {
    return { fresh: await run(withoutSnapshot(version), INVOKES_PER_CLONE), limits: [] };
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

/** Makes the same version without its snapshot: each of its environments is initialised, so it is a fresh one. */
function withoutSnapshot(version: RunnableVersion): RunnableVersion {
  return { ...version, snapshotId: null, snapshotKey: null, snapshotFingerprints: null };
}

/** Finds numbers that run with the clock from Init. Waits some seconds where only a later clone tells. */
export async function agesOf(
  run: RunEnvironment,
  version: RunnableVersion,
  { clones, fresh }: RanEnvironments,
  context: InitMomentsContext & { readonly again: CloneAnswers; readonly clock: Clock },
): Promise<readonly AgeWord[]> {
  const ages = agesOfInit(answersOf(clones), context);
  if ([...clones, ...(fresh === null ? [] : [fresh])].some(({ errors }) => errors.length > 0)) return ages;
  const answers = [...answersOf(clones), ...context.again];
  let moments = momentsOfInit(answers, fresh?.answers ?? null, context);
  if (moments.isUnsure) {
    const { promise, resolve } = Promise.withResolvers<void>();
    const sinceMs = context.clock.nowMs() - (answers[0]?.[0]?.startedAtMs ?? 0);
    context.clock.after(WHOLE_SPREAD_MS + 2000 - sinceMs, resolve);
    await promise;
    const later = await run(version, INVOKES_PER_CLONE);
    moments = momentsOfInit([...answers, ...answersOf([later])], fresh?.answers ?? null, context);
  }
  return [...ages, ...moments.found.filter(({ place }) => !ages.some((age) => age.place === place))];
}

/** Compares the clones with the fresh one. `given`: texts of the event. `looksAtRows`: no generator was found yet. */
export async function compareWithFresh(
  run: RunEnvironment,
  version: RunnableVersion,
  { clones, fresh }: RanEnvironments,
  { given, looksAtRows }: { readonly given: readonly string[]; readonly looksAtRows: boolean },
): Promise<FreshComparison> {
  if (fresh === null || clones.some((clone) => clone.errors.length > 0))
    return { kept: [], rows: [], limits: [], again: [] };
  const kept = keptWords(answersOf(clones), fresh.answers, given);
  const isMoving = looksAtRows && movingPlaces(answersOf(clones), fresh.answers, given).length > 0;
  // Two copies say the same short word by accident, now and then; a long one they do not.
  if (!isMoving && kept.every((word) => word.text.length >= LONG_WORD_SIZE_MIN))
    return { kept, rows: [], limits: [], again: [] };
  if ((clones[0]?.invokeMs[1] ?? 0) > LONG_LOOK_INVOKE_MS_MAX) {
    return {
      kept,
      rows: [],
      limits: ["Values of few letters were not tried again with more copies: an invoke takes more than a second."],
      again: [],
    };
  }
  const invokes = isMoving ? LONG_LOOK_INVOKES : INVOKES_PER_CLONE;
  const again = answersOf([await run(version, invokes), await run(version, invokes)]);
  const stays = new Set(keptWords(again, fresh.answers, given).map((word) => `${word.place} ${word.text}`));
  const freshAgain = isMoving ? await run(withoutSnapshot(version), invokes) : null;
  return {
    kept: kept.filter((word) => stays.has(`${word.place} ${word.text}`)),
    rows: freshAgain === null ? [] : repeatedRows(again, freshAgain.answers, given),
    limits: [],
    again,
  };
}
