/**
 * Compares the answers and requests of clones of one snapshot: values that should differ between them and do not. Pure.
 */
import { withoutGiven } from "./given-texts.ts";
import type { RequestPart } from "./http-request.ts";
import { findNamedValues, findUniqueValues, type UniqueValue } from "./unique-values.ts";

/** Result of one invoke of one clone. */
export interface CloneAnswer {
  readonly payload: string;
  /** Log lines of the function itself. */
  readonly log: readonly string[];
  /** Texts of the requests that the clone sent to the outside, where they can be read. */
  readonly sent: readonly RequestPart[];
  /** Times of the event and of the answer, milliseconds since the epoch. */
  readonly startedAtMs: number;
  readonly endedAtMs: number;
}

/** Invokes of each clone, in order. All clones have the same number of them. */
export type CloneAnswers = ReadonlyArray<readonly CloneAnswer[]>;

export interface ComparisonContext {
  /** Texts that the function was given or has in its package: they may be the same in all clones. */
  readonly isKnown: (text: string) => boolean;
  /** Texts of the event: a value is often written together with one (`SALTtext`), and is then looked for without it. */
  readonly given: readonly string[];
  readonly snapshotCreatedAtMs: number;
  /** Start of the first clone's first invoke, milliseconds since the epoch. */
  readonly invokedAtMs: number;
}

/**
 * same: equal in all clones. repeated: equal in all clones at each invoke, and another one at the next: a generator
 * that all of them have in the same state. old-time: a time before the snapshot was taken.
 */
export interface SharedValue {
  readonly kind: "same" | "repeated" | "old-time";
  readonly value: UniqueValue;
}

/** Longest time that an Init takes; a time before that is a constant of the code. */
export const INIT_MS_MAX = 15 * 60_000;
const DAY_MS = 86_400_000;

export function compareClones(clones: CloneAnswers, context: ComparisonContext): readonly SharedValue[] {
  assertShape(clones);
  const byClone = clones.map((invokes) => invokes.map((answer) => valuesOf(answer, context.given)));
  const [first, ...others] = byClone;
  const shared = new Map<string, SharedValue>();
  (first ?? []).forEach((values, invoke) => {
    for (const value of values.values()) {
      if (!others.every((invokes) => invokes[invoke]?.has(value.text)) || context.isKnown(value.text)) continue;
      const isElsewhere = (first ?? []).some((other, number) => number !== invoke && other.has(value.text));
      const kind = kindOf(value, isElsewhere, clones[0]?.length ?? 0, context);
      if (kind !== null && !shared.has(value.text)) shared.set(value.text, { kind, value });
    }
  });
  return [...shared.values()];
}

function assertShape(clones: CloneAnswers): void {
  if (clones.length < 2 || clones.some((invokes) => invokes.length !== clones[0]?.length))
    throw new RangeError("two clones or more, each with as many invokes");
}

function kindOf(
  value: UniqueValue,
  isElsewhere: boolean,
  invokes: number,
  context: ComparisonContext,
): SharedValue["kind"] | null {
  if (value.time !== undefined && isFromInit(value, context)) return "old-time";
  // Half of all numbers of 31 bits look like a time in seconds: one that is far from now, and another one at each
  // invoke, was drawn.
  if (value.time !== undefined && (isElsewhere || invokes < 2 || !isFarFromNow(value, context))) return null;
  return isElsewhere || invokes < 2 ? "same" : "repeated";
}

function isFromInit(value: UniqueValue, context: ComparisonContext): boolean {
  if (value.time === undefined) return false;
  const { ms, precisionMs } = value.time;
  const isBefore = ms < context.snapshotCreatedAtMs && ms + precisionMs <= context.invokedAtMs;
  return isBefore && ms > context.snapshotCreatedAtMs - INIT_MS_MAX;
}

function isFarFromNow(value: UniqueValue, { invokedAtMs }: ComparisonContext): boolean {
  return /^\d+$/.test(value.text) && Math.abs((value.time?.ms ?? invokedAtMs) - invokedAtMs) > DAY_MS;
}

/** Groups values by their text. The first place counts: that of a request where the value is nowhere else. */
function valuesOf(answer: CloneAnswer, given: readonly string[]): ReadonlyMap<string, UniqueValue> {
  const values = new Map<string, UniqueValue>();
  const without = (text: string): string => withoutGiven(text, given);
  const sent = ({ place, name, text }: RequestPart): readonly UniqueValue[] =>
    name === null ? findUniqueValues(without(text), place) : findNamedValues(without(text), place, name);
  const said = [
    ...findUniqueValues(without(answer.payload), "response"),
    ...answer.log.flatMap((line) => findUniqueValues(without(line), "log")),
  ];
  const all = [...said, ...answer.sent.flatMap(sent)];
  for (const value of all) if (!values.has(value.text)) values.set(value.text, value);
  return values;
}
