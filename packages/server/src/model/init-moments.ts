/**
 * Finds numbers that run with the clock from a moment of Init, where a single look at clones is not enough: times of
 * whole seconds that have gone by, and countdowns. The fresh environment has a moment of Init of its own, later than
 * that of the clones by the age of the snapshot. Pure.
 *
 *     place           clone 1   fresh   clone 2 (9 s later)
 *     response.upS    41        0       50                    the clock less the number: Init
 *     response.leftS  259       300     250                   the clock and the number: a deadline that Init set
 */
import { AGE_FORMS, type ReadAge, WHOLE_AGE_FORMS } from "./age-forms.ts";
import type { CloneAnswer, CloneAnswers } from "./compare-clones.ts";
import { type AgeWord, linesInAll, wordsOf, type Words } from "./fresh-start.ts";

export interface InitMoments {
  readonly found: readonly AgeWord[];
  /** True where a number may be one, and a clone that runs later would tell. */
  readonly isUnsure: boolean;
}

export interface InitMomentsContext {
  /** Texts of the event, which are left out. */
  readonly given: readonly string[];
  /** The Init of the snapshot was between these. */
  readonly earliestMs: number;
  readonly latestMs: number;
}

/** Time over which whole seconds must run with the clock: over less, a die or a count may seem to. */
export const WHOLE_SPREAD_MS = 8000;
/** Changes of exact numbers below which nothing is said, milliseconds. */
const EXACT_SPREAD_MS = 50;
const TOLERANCE_MS = 20;
const WHOLE_MS = 1000;

interface Reading {
  readonly read: ReadAge;
  /** A number may be off by as much. */
  readonly stepMs: number;
  /** 1: a countdown. -1: time that has gone by. */
  readonly sign: 1 | -1;
}

const READINGS: readonly Reading[] = [
  ...AGE_FORMS.map((read) => ({ read, stepMs: 0, sign: 1 }) as const),
  ...WHOLE_AGE_FORMS.flatMap((read) => [
    { read, stepMs: WHOLE_MS, sign: -1 } as const,
    { read, stepMs: WHOLE_MS, sign: 1 } as const,
  ]),
];

interface Sample {
  readonly words: Words;
  readonly answer: CloneAnswer;
}

/** A moment, known to lie between two others. */
interface Moment {
  readonly fromMs: number;
  readonly toMs: number;
  /** Difference of the largest and the smallest number. */
  readonly spreadMs: number;
}

export function momentsOfInit(
  clones: CloneAnswers,
  fresh: readonly CloneAnswer[] | null,
  context: InitMomentsContext,
): InitMoments {
  if (fresh === null || fresh.length === 0) return { found: [], isUnsure: false };
  const lines = linesInAll([...clones, fresh]);
  const sample = (answer: CloneAnswer): Sample => ({ words: wordsOf(answer, context.given, lines), answer });
  const [samples, freshSamples] = [clones.flat().map(sample), fresh.map(sample)];
  const found: AgeWord[] = [];
  let isUnsure = false;
  for (const [place, text] of samples[0]?.words ?? []) {
    for (const reading of READINGS) {
      const moment = momentOf(samples, place, reading);
      const later = momentOf(freshSamples, place, reading);
      if (moment === null || later === null || !isOfInit(reading, moment, later, fresh, context)) continue;
      if (!isSure(reading, moment, later)) {
        isUnsure ||= reading.stepMs > 0;
        continue;
      }
      found.push({
        place,
        text,
        sinceMs: Math.round((moment.fromMs + moment.toMs) / 2),
        isDeadline: reading.sign === 1,
      });
      break;
    }
  }
  return { found, isUnsure };
}

/** The moment that the numbers of all samples agree on; null where they are no numbers or agree on none. */
function momentOf(samples: readonly Sample[], place: string, { read, stepMs, sign }: Reading): Moment | null {
  let [fromMs, toMs] = [-Infinity, Infinity];
  let [least, most] = [Infinity, -Infinity];
  for (const { words, answer } of samples) {
    const valueMs = read(words.get(place) ?? "");
    if (valueMs === null) return null;
    fromMs = Math.max(fromMs, answer.startedAtMs + sign * valueMs - stepMs);
    toMs = Math.min(toMs, answer.endedAtMs + sign * valueMs + stepMs);
    least = Math.min(least, valueMs);
    most = Math.max(most, valueMs);
  }
  return fromMs > toMs + TOLERANCE_MS ? null : { fromMs, toMs, spreadMs: most - least };
}

/** Whether clones and the fresh environment count from a moment that is in the Init of each, or as far from it. */
function isOfInit(
  { sign, stepMs }: Reading,
  moment: Moment,
  later: Moment,
  fresh: readonly CloneAnswer[],
  { earliestMs, latestMs }: InitMomentsContext,
): boolean {
  const [slackMs, first] = [stepMs + TOLERANCE_MS, fresh[0]];
  if (first === undefined) return false;
  // The fresh environment's Init is a part of its first invoke.
  const apart = { least: first.startedAtMs - latestMs, most: first.endedAtMs - earliestMs };
  const isApart =
    later.toMs - moment.fromMs + slackMs >= apart.least && later.fromMs - moment.toMs - slackMs <= apart.most;
  // Two that are alike have been set by nobody's Init.
  if (!isApart || later.fromMs <= moment.toMs) return false;
  if (sign === 1) return true;
  const isInSnapshot = moment.toMs + slackMs >= earliestMs && moment.fromMs - slackMs <= latestMs;
  return isInSnapshot && later.toMs + slackMs >= first.startedAtMs && later.fromMs - slackMs <= first.endedAtMs;
}

function isSure({ stepMs }: Reading, moment: Moment, later: Moment): boolean {
  if (stepMs === 0) return moment.spreadMs >= EXACT_SPREAD_MS;
  return moment.spreadMs > 0 && Math.max(moment.spreadMs, later.fromMs - moment.toMs) >= WHOLE_SPREAD_MS;
}
