/** What clones of one snapshot said to the same events, and sent elsewhere, compared: what should be each one's own and is not. Pure. */
import type { RequestPart } from "./http-request.ts";
import { findNamedValues, findUniqueValues, type UniqueValue } from "./unique-values.ts";

/** What one invoke of one clone gave. */
export interface CloneAnswer {
  readonly payload: string;
  /** The function's own lines. */
  readonly log: readonly string[];
  /** Texts of the requests that it sent to the outside, where they can be read. */
  readonly sent: readonly RequestPart[];
  /** When the event was given and when the answer was there, milliseconds since the epoch. */
  readonly startedAtMs: number;
  readonly endedAtMs: number;
}

/** Of each clone its invokes, in order. All clones have the same number of them. */
export type CloneAnswers = ReadonlyArray<readonly CloneAnswer[]>;

export interface ComparisonContext {
  /** What the function was given or has in its package: values in it are the same by right. */
  readonly isKnown: (text: string) => boolean;
  /** Texts of the event: a value is often written together with one (`SALTtext`), and is then looked for without it. */
  readonly given: readonly string[];
  readonly snapshotCreatedAtMs: number;
  /** When the first clone's invoke began. */
  readonly invokedAtMs: number;
}

/**
 * same: equal in all clones. repeated: equal in all clones at each invoke, and another one at the next: a generator that all of them
 * have in the same state. old-time: a time before the snapshot was taken.
 */
export interface SharedValue {
  readonly kind: "same" | "repeated" | "old-time";
  readonly value: UniqueValue;
}

/** An Init takes at most this long; a time before that is a constant. */
export const INIT_MS_MAX = 15 * 60_000;
const DAY_MS = 86_400_000;

export function compareClones(clones: CloneAnswers, context: ComparisonContext): readonly SharedValue[] {
  assertShape(clones);
  const byClone = clones.map((invokes) => invokes.map((answer) => valuesOf(answer, context.given)));
  const [first, ...others] = byClone;
  const shared: SharedValue[] = [];
  (first ?? []).forEach((values, invoke) => {
    for (const value of values.values()) {
      if (!others.every((invokes) => invokes[invoke]?.has(value.text)) || context.isKnown(value.text)) continue;
      const isElsewhere = (first ?? []).some((other, number) => number !== invoke && other.has(value.text));
      const kind = kindOf(value, isElsewhere, clones[0]?.length ?? 0, context);
      if (kind !== null && !shared.some((known) => known.value.text === value.text)) shared.push({ kind, value });
    }
  });
  return shared;
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
  // Half of all numbers of 31 bits look like a time in seconds: one that is far from now, and another one at each invoke, was drawn.
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

/** Those texts of an event that can be taken out of a JSON document without breaking it. */
export function givenTexts(event: unknown): readonly string[] {
  if (typeof event === "string") return /^[\p{L}\p{N} ._-]{3,}$/u.test(event) && !/^\d+$/.test(event) ? [event] : [];
  return typeof event === "object" && event !== null ? Object.values(event).flatMap(givenTexts) : [];
}

/** By their text; the first place counts: that of a request where the value is nowhere else. */
function valuesOf(answer: CloneAnswer, given: readonly string[]): ReadonlyMap<string, UniqueValue> {
  const values = new Map<string, UniqueValue>();
  const without = (text: string): string =>
    given.reduce((rest, each) => rest.replaceAll(each, " ".repeat(each.length)), text);
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
