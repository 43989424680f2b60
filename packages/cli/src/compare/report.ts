/** What a comparison found, as `--json` prints it; the pages are drawn from it. */
import type { InvocationStart } from "@thaw/thaw-api";
import { type Distribution, distributionOf } from "@thaw/thaw-api/statistics";
import type { WaterfallPart } from "@thaw/thaw-api/waterfall";
import { showControls } from "../terminal.ts";

/** One cold invoke. Times are milliseconds; null: the invoke had no such phase. */
export interface Sample {
  readonly requestId: string;
  readonly start: InvocationStart;
  /** The function's error in one line, shortened; null: it answered. */
  readonly error: string | null;
  /** From the request to the whole answer, at this client. */
  readonly clientMs: number;
  /** From the arrival at the worker to the answer, cold start included. */
  readonly totalMs: number;
  /** Duration, Init Duration and Restore Duration as in REPORT. */
  readonly durationMs: number | null;
  readonly initDurationMs: number | null;
  readonly restoreDurationMs: number | null;
  /** Shares of `totalMs`: they do not overlap, and their sum is `totalMs`. Null: the server did not tell the phases. */
  readonly parts: Readonly<Partial<Record<WaterfallPart, number>>> | null;
}

/** One of the things that are compared, as measured. */
export interface Measured {
  readonly version: string;
  readonly alias: string | null;
  /** Whether prime events were served before its snapshot; null: it is not compared for that. */
  readonly isPrimed: boolean | null;
  readonly samples: readonly Sample[];
  /** Invokes that found an environment made before, were not counted, and were made again. */
  readonly repeated: number;
}

export interface Variant extends Measured {
  /** `$LATEST (Init)`, `live = version 3 (restored)`, `version 3, primed (restored)` */
  readonly label: string;
  readonly failures: number;
  readonly firstError: string | null;
  /** Figures of the invokes that the function answered; null: it answered none. */
  readonly cold: Distribution | null;
  readonly phases: readonly Phase[];
  /** How many times as fast as the first variant this one starts, by the medians; null where one has no median. */
  readonly ratio: number | null;
}

export type PhaseName = WaterfallPart | "way" | "total" | "initDuration" | "restoreDuration" | "duration";

export interface Phase {
  readonly name: PhaseName;
  readonly figures: Distribution;
}

export interface Budget {
  readonly of: "p50" | "p90";
  readonly limitMs: number;
}

export interface BudgetResult extends Budget {
  /** Label of the variant that it is for. */
  readonly variant: string;
  /** Null: there is no figure, because the function never answered. */
  readonly measuredMs: number | null;
  readonly isMet: boolean;
  readonly sentence: string;
}

export interface CompareReport {
  readonly functionName: string;
  readonly measuredAt: string;
  /** Cold invokes of each variant. */
  readonly count: number;
  readonly variants: readonly Variant[];
  /** The outcome in a sentence. */
  readonly headline: string;
  /** What somebody who reads the figures must know. */
  readonly notes: readonly string[];
  readonly budgets: readonly BudgetResult[];
}

export interface ReportInput {
  readonly functionName: string;
  readonly measuredAtMs: number;
  readonly count: number;
  readonly measured: readonly Measured[];
  readonly notes: readonly string[];
  readonly budgets: readonly Budget[];
}

/** The parts that follow one another from the request to the answer, in this order. */
export const PARTS: readonly PhaseName[] = ["way", "waiting", "engine", "resume", "init", "hooks", "code"];
/** The other figures of an invoke. */
export const FIGURES: readonly PhaseName[] = ["total", "initDuration", "restoreDuration", "duration"];

export const PHASE_LABELS: Readonly<Record<PhaseName, string>> = {
  way: "connection and API",
  waiting: "waiting for its turn",
  engine: "engine",
  resume: "resuming the runtime",
  init: "your Init",
  hooks: "your after-restore hooks",
  code: "your code",
  total: "in all, at the worker",
  initDuration: "Init Duration (REPORT)",
  restoreDuration: "Restore Duration (REPORT)",
  duration: "Duration (REPORT)",
};

const LINE_LENGTH_MAX = 200;
/** A label stands in a column, and in one line of the picture. */
const LABEL_LENGTH_MAX = 60;
/** More would be wrong by more than the clock of a request is. */
const SAME_RATIO_MAX = 1.05;

/** Makes one line of foreign text: no control characters, no lone surrogates, not too long. */
export function oneLine(text: string, lengthMax = LINE_LENGTH_MAX): string {
  const start = text.slice(0, 4 * lengthMax).toWellFormed();
  const line = showControls(start.replaceAll(/\s/gu, " ").replaceAll(/ +/g, " ").trim());
  const characters = Array.from(line);
  const isCut = characters.length > lengthMax || text.length > 4 * lengthMax;
  return isCut ? `${characters.slice(0, lengthMax).join("")}…` : line;
}

/** A duration with a digit more than pages have elsewhere: cold starts are compared. */
export function showMs(value: number): string {
  return `${value < 100 ? value.toFixed(1) : value.toFixed(0)} ms`;
}

export function makeReport(input: ReportInput): CompareReport {
  const first = distributionOf(answered(input.measured[0]?.samples ?? []).map(({ clientMs }) => clientMs));
  const variants = input.measured.map((measured) => makeVariant(measured, first));
  const last = variants.at(-1);
  return {
    functionName: input.functionName,
    measuredAt: new Date(input.measuredAtMs).toISOString(),
    count: input.count,
    variants,
    headline: say(variants),
    notes: [...input.notes, ...variants.flatMap(notesOf)],
    budgets: last === undefined ? [] : input.budgets.map((budget) => hold(budget, last)),
  };
}

function answered(samples: readonly Sample[]): readonly Sample[] {
  return samples.filter(({ error }) => error === null);
}

function makeVariant(measured: Measured, first: Distribution | null): Variant {
  const good = answered(measured.samples);
  const failed = measured.samples.filter(({ error }) => error !== null);
  const cold = distributionOf(good.map(({ clientMs }) => clientMs));
  const phases = [...PARTS, ...FIGURES].flatMap((name): readonly Phase[] => {
    const figures = distributionOf(good.flatMap((sample) => valueOf(sample, name) ?? []));
    return figures === null || figures.max === 0 ? [] : [{ name, figures }];
  });
  const ratio = first === null || cold === null || cold.p50 === 0 ? null : first.p50 / cold.p50;
  return {
    ...measured,
    label: labelOf(measured),
    failures: failed.length,
    firstError: failed[0]?.error ?? null,
    cold,
    phases,
    ratio,
  };
}

/** Null: it has no such figure. A part that took no time is one of 0 ms. */
function valueOf(sample: Sample, name: PhaseName): number | null {
  if (name === "way") return Math.max(sample.clientMs - sample.totalMs, 0);
  if (name === "total") return sample.totalMs;
  if (name === "duration") return sample.durationMs;
  if (name === "initDuration") return sample.initDurationMs;
  if (name === "restoreDuration") return sample.restoreDurationMs;
  return sample.parts === null ? null : (sample.parts[name] ?? 0);
}

function labelOf({ version, alias, isPrimed, samples }: Measured): string {
  const number = version === "$LATEST" ? version : `version ${version}`;
  const primed = isPrimed === null ? "" : isPrimed ? ", primed" : ", unprimed";
  const name = `${oneLine(alias === null ? number : `${alias} = ${number}`, LABEL_LENGTH_MAX)}${primed}`;
  const starts = new Set(samples.map(({ start }) => start));
  const words = [...starts].map((start) => (start === "initialised" ? "Init" : start));
  return words.length === 0 ? name : `${name} (${words.join(", ")})`;
}

function notesOf({ label, samples, repeated, failures, firstError }: Variant): readonly string[] {
  const unknown = samples.filter(({ error, parts }) => error === null && parts === null).length;
  const initialised = samples.filter(({ start }) => start === "initialised").length;
  return [
    ...(failures === 0
      ? []
      : [`${label}: the function failed in ${failures} of ${samples.length} invokes, first with: ${firstError}`]),
    ...(initialised > 0 && initialised < samples.length
      ? [`${label}: ${initialised} of ${samples.length} starts were an Init in place of a restore`]
      : []),
    ...(unknown === 0 ? [] : [`${label}: the server did not tell the phases of ${unknown} of its starts`]),
    ...(repeated === 0
      ? []
      : [`${label}: ${repeated} invokes found an environment that was there already, and were made again`]),
  ];
}

/** Says how the others start beside the first one. */
function say(variants: readonly Variant[]): string {
  const [first, ...others] = variants;
  if (first?.cold === null || first === undefined) return "There is nothing to compare: the function did not answer.";
  const firstMs = showMs(first.cold.p50);
  const sentences = others.map(({ label, cold, ratio }) => {
    if (cold === null || ratio === null) return `${label} did not answer.`;
    const figures = `${showMs(cold.p50)} against ${firstMs}`;
    if (ratio < SAME_RATIO_MAX && 1 / ratio < SAME_RATIO_MAX)
      return `${label} starts as fast as ${first.label}, give or take 5 % (median ${figures}).`;
    const words = ratio > 1 ? `${ratio.toFixed(1)} times as fast as` : `${(1 / ratio).toFixed(1)} times as slowly as`;
    return `${label} starts ${words} ${first.label} (median ${figures}).`;
  });
  return sentences.join(" ");
}

function hold({ of, limitMs }: Budget, { label, cold }: Variant): BudgetResult {
  const measuredMs = cold === null ? null : cold[of];
  const isMet = measuredMs !== null && measuredMs <= limitMs;
  const words = `Budget for ${label}: ${of} ${showMs(limitMs)}`;
  const sentence =
    measuredMs === null
      ? `${words}, and the function did not answer.`
      : isMet
        ? `${words}, met: ${showMs(measuredMs)}.`
        : `${words}, missed by ${showMs(measuredMs - limitMs)}: ${showMs(measuredMs)}.`;
  return { of, limitMs, variant: label, measuredMs, isMet, sentence };
}
