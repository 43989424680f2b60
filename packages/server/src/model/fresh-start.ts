/**
 * Compares clones with a fresh environment. A value that is the same in all clones and differs there comes from the
 * Init that was snapshotted, whatever it looks like: a shard number, the name of a folder, a signature. Pure.
 *
 *     place            clone 1     clone 2     fresh
 *     response.shard   7 7         7 7         12 12      kept: one value of Init
 *     response.roll    3 5 1 …     3 5 1 …     2 2 6 …    a row: one generator of Init
 *     response.upMs    4100 4105   5230 5236   90 95      an age: the clock less the number is the moment of Init
 *
 * A place is a member of the response, or a word of it or of a line of the log.
 */
import { AGE_FORMS } from "./age-forms.ts";
import type { CloneAnswer, CloneAnswers } from "./compare-clones.ts";
import { withoutGiven } from "./given-texts.ts";

export interface KeptWord {
  readonly place: string;
  readonly text: string;
  /** Values at the same place in the fresh environment. */
  readonly freshText: string;
}

export interface AgeWord {
  readonly place: string;
  readonly text: string;
  /** Moment that the number counts from, milliseconds since the epoch. */
  readonly sinceMs: number;
  /** True where it counts down to that moment. */
  readonly isDeadline?: boolean;
}

export type Words = ReadonlyMap<string, string>;

const WORDS_MAX = 2000;
/** Deeper parts of a document are not looked into: what reads them calls itself for each level. */
const DEPTH_MAX = 1000;
const WORD = ", word ";
/** Values that differ by right: those of AWS_LAMBDA_INITIALIZATION_TYPE. */
const BY_RIGHT = new Set(["snap-start", "on-demand"]);
/** Number of times that a row must move, and that the other one must differ from it, before it says something. */
const ROW_CHANGES_MIN = 4;
const ROW_DIFFERENCES_MIN = 3;
/** Number of first answers that are left out: they are slower than the others, in all environments alike. */
const ROW_SKIPPED = 2;
/** Distance between clones below which nothing is said about ages, milliseconds. */
const AGE_SPREAD_MS_MIN = 50;
const AGE_TOLERANCE_MS = 20;

/**
 * Finds values that all clones kept from Init. Finds nothing where the answers are not of one form.
 *
 * @param given - Texts of the event, which are left out.
 */
export function keptWords(
  clones: CloneAnswers,
  fresh: readonly CloneAnswer[],
  given: readonly string[],
): readonly KeptWord[] {
  const rows = rowsOf(clones, fresh, given);
  const kept = rows
    .filter(
      ({ row, freshRow }) =>
        new Set(row).size === 1 &&
        new Set(freshRow).size === 1 &&
        row[0] !== freshRow[0] &&
        !BY_RIGHT.has(row[0] ?? ""),
    )
    .map(({ place, row, freshRow }) => ({ place, text: row[0] ?? "", freshText: freshRow[0] ?? "" }));
  return smallest(kept);
}

/**
 * Finds places whose values change from invoke to invoke, alike in all clones and differently in the fresh environment:
 * a longer look clears most of them.
 */
export function movingPlaces(
  clones: CloneAnswers,
  fresh: readonly CloneAnswer[],
  given: readonly string[],
): readonly string[] {
  return rowsOf(clones, fresh, given)
    .filter(({ row, freshRow }) => new Set(row).size > 1 && row.some((word, invoke) => word !== freshRow[invoke]))
    .map(({ place }) => place);
}

/** Finds the rows that are still equal in all clones after many invokes, which is no accident. */
export function repeatedRows(
  clones: CloneAnswers,
  fresh: readonly CloneAnswer[],
  given: readonly string[],
): readonly KeptWord[] {
  const rows = rowsOf(clones, fresh, given)
    .filter(({ row, freshRow }) => {
      const changes = row.filter((word, invoke) => invoke > 0 && word !== row[invoke - 1]).length;
      const differences = row.filter((word, invoke) => invoke >= ROW_SKIPPED && word !== freshRow[invoke]).length;
      return changes >= ROW_CHANGES_MIN && differences >= ROW_DIFFERENCES_MIN;
    })
    .map(({ place, row, freshRow }) => ({ place, text: row.join(" "), freshText: freshRow.join(" ") }));
  return smallest(rows);
}

/** Leaves out the texts whose single words say it already. */
function smallest(words: readonly KeptWord[]): readonly KeptWord[] {
  return words.filter(({ place }) => !words.some((other) => other.place.startsWith(`${place}${WORD}`)));
}

/** Finds numbers and durations that tell how long ago something of Init was. */
export function agesOfInit(
  clones: CloneAnswers,
  context: { readonly given: readonly string[]; readonly earliestMs: number; readonly latestMs: number },
): readonly AgeWord[] {
  const samples = clones
    .flat()
    .map((answer) => ({ words: wordsOf(answer, context.given, linesInAll(clones)), answer }));
  const [first] = samples;
  const found: AgeWord[] = [];
  for (const [place, text] of first?.words ?? []) {
    for (const read of AGE_FORMS) {
      const ages = samples.map(({ words, answer }) => ({ ageMs: read(words.get(place) ?? ""), answer }));
      if (!ages.every(hasAge)) continue;
      const sinceMs = commonOrigin(ages);
      if (sinceMs === null || sinceMs <= context.earliestMs || sinceMs >= context.latestMs) continue;
      found.push({ place, text, sinceMs });
      break;
    }
  }
  return found;
}

interface Age {
  readonly ageMs: number;
  readonly answer: CloneAnswer;
}

function hasAge(sample: { readonly ageMs: number | null; readonly answer: CloneAnswer }): sample is Age {
  return sample.ageMs !== null;
}

function commonOrigin(samples: readonly Age[]): number | null {
  const ages = samples.map((sample) => sample.ageMs);
  if (Math.max(...ages) - Math.min(...ages) < AGE_SPREAD_MS_MIN) return null;
  const from = Math.max(...samples.map(({ ageMs, answer }) => answer.startedAtMs - ageMs));
  const to = Math.min(...samples.map(({ ageMs, answer }) => answer.endedAtMs - ageMs));
  return from <= to + AGE_TOLERANCE_MS ? to : null;
}

/**
 * Lists the places that all of them have in each invoke, with the row of all clones, where they have the same one, and
 * the row of the fresh environment.
 */
function rowsOf(
  clones: CloneAnswers,
  fresh: readonly CloneAnswer[],
  given: readonly string[],
): ReadonlyArray<{ readonly place: string; readonly row: readonly string[]; readonly freshRow: readonly string[] }> {
  const lines = linesInAll([...clones, fresh]);
  const [first = [], ...others] = clones.map((invokes) => invokes.map((answer) => wordsOf(answer, given, lines)));
  const freshWords = fresh.map((answer) => wordsOf(answer, given, lines));
  const rowOf = (place: string, invokes: readonly Words[]): readonly string[] | null => {
    const row = invokes.map((words) => words.get(place));
    return row.every((word) => word !== undefined) ? row : null;
  };
  const found = [];
  for (const place of first[0]?.keys() ?? []) {
    const row = rowOf(place, first);
    const freshRow = rowOf(place, freshWords);
    if (row === null || freshRow === null) continue;
    if (others.every((invokes) => rowOf(place, invokes)?.join("\n") === row.join("\n")))
      found.push({ place, row, freshRow });
  }
  return found;
}

/** Counts the lines at the end of each answer's log that all have: lines of Init and hooks stand before them. */
export function linesInAll(environments: CloneAnswers): number {
  return Math.min(...environments.flat().map((answer) => answer.log.length));
}

export function wordsOf(answer: CloneAnswer, given: readonly string[], lines: number): Words {
  const without = (text: string): string => withoutGiven(text, given);
  const words = new Map<string, string>();
  addPayload(without(answer.payload), "response", words);
  answer.log
    .slice(answer.log.length - lines)
    .forEach((line, number) => addText(without(line), `log line ${number + 1}`, words));
  return words;
}

function addPayload(text: string, place: string, words: Map<string, string>): void {
  try {
    addValue(JSON.parse(text), place, words);
  } catch {
    addText(text, place, words);
  }
}

function addValue(value: unknown, place: string, words: Map<string, string>, depth = 0): void {
  if (words.size >= WORDS_MAX || depth > DEPTH_MAX) return;
  const isJson = typeof value === "string" && /^\s*[[{]/.test(value);
  if (isJson) addPayload(value, place, words);
  else if (typeof value === "string") addText(value, place, words);
  else if (typeof value !== "object" || value === null) words.set(place, String(value));
  else
    for (const [key, member] of Object.entries(value))
      addValue(member, Array.isArray(value) ? `${place}[${key}]` : `${place}.${key}`, words, depth + 1);
}

/**
 * Lists the text, and its words where it has several. A word's place is its number among how many, since another text's
 * words stand elsewhere.
 */
function addText(text: string, place: string, words: Map<string, string>): void {
  const parts = text.split(/\s+/).filter((part) => part !== "");
  if (parts.length === 0 || words.size >= WORDS_MAX) return;
  words.set(place, parts.join(" "));
  if (parts.length > 1)
    parts
      .slice(0, WORDS_MAX)
      .forEach((part, number) => words.set(`${place}${WORD}${number + 1} of ${parts.length}`, part));
}
