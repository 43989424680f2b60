/**
 * Finds times that are reckoned from a moment of Init: `start + performance.now()`, `time.monotonic()` or `nanoTime()`
 * counted on from it. The monotonic clock of a clone goes on where the snapshot stopped, so that such a time is behind
 * by the age of the snapshot, in each clone by another one. Pure.
 *
 *     snapshot 12:00:00      clone 1 at 12:01:00      fresh at 12:01:30      clone 2 at 12:02:00
 *     response.at            12:00:00.02              12:01:30.02            12:00:00.03
 */
import { type CloneAnswer, type CloneAnswers, INIT_MS_MAX } from "./compare-clones.ts";
import { withoutGiven } from "./given-texts.ts";
import { findUniqueValues, type UniqueValue } from "./unique-values.ts";

export interface SlowClock {
  readonly place: string;
  /** The time as the first clone gave it out. */
  readonly text: string;
  /** Milliseconds that it was behind. */
  readonly behindMs: number;
}

export interface SlowClockContext {
  /** Texts of the event, which are left out. */
  readonly given: readonly string[];
  readonly snapshotCreatedAtMs: number;
}

type Time = UniqueValue & { readonly time: NonNullable<UniqueValue["time"]> };

/** Exactness with which times of clones and of the server are compared. */
const TOLERANCE_MS = 20;

/** `fresh`: answers of the fresh environment, whose clock has not stood still; null where there are none. */
export function slowClocks(
  clones: CloneAnswers,
  fresh: readonly CloneAnswer[] | null,
  { given, snapshotCreatedAtMs }: SlowClockContext,
): readonly SlowClock[] {
  const lines = Math.min(...[...clones, fresh ?? []].flat().map(({ log }) => log.length));
  const timesIn = (answer: CloneAnswer): ReadonlyMap<string, Time> => timesOf(answer, given, lines);
  const samples = clones.map((invokes) => invokes.map((answer) => ({ answer, times: timesIn(answer) })));
  const freshSamples = fresh?.map((answer) => ({ answer, times: timesIn(answer) })) ?? [];
  const found: SlowClock[] = [];
  for (const place of samples[0]?.[0]?.times.keys() ?? []) {
    const offsetMs = offsetOf(place, freshSamples);
    const behind = samples.map((invokes) => behindOf(place, invokes, offsetMs, snapshotCreatedAtMs));
    const texts = new Set(samples.flat().map(({ times }) => times.get(place)?.text));
    // A time that stands still is another finding.
    if (behind.includes(null) || texts.size < 2) continue;
    found.push({
      place: place.replace(/#\d+$/, ""),
      text: samples[0]?.[0]?.times.get(place)?.text ?? "",
      behindMs: behind[0] ?? 0,
    });
  }
  return found;
}

interface Sample {
  readonly answer: CloneAnswer;
  readonly times: ReadonlyMap<string, Time>;
}

/**
 * Reckons how far from now the time is by right: 0 for that of an answer, an hour for that at which a token expires.
 */
function offsetOf(place: string, fresh: readonly Sample[]): number {
  const given = fresh.flatMap(({ answer, times }) => {
    const ms = times.get(place)?.time.ms;
    return ms === undefined ? [] : [{ least: ms - answer.endedAtMs, most: ms - answer.startedAtMs }];
  });
  if (given.every(({ least, most }) => least <= TOLERANCE_MS && most >= -TOLERANCE_MS)) return 0;
  return Math.max(...given.map(({ least }) => least));
}

/**
 * How far a clone's times at a place are behind at its first invoke; null where one of them is not, or does not stand
 * where the snapshot's clock would have come to.
 */
function behindOf(
  place: string,
  invokes: readonly Sample[],
  offsetMs: number,
  snapshotCreatedAtMs: number,
): number | null {
  const firstMs = invokes[0]?.answer.startedAtMs ?? 0;
  const behind: number[] = [];
  for (const { answer, times } of invokes) {
    const time = times.get(place)?.time;
    if (time === undefined) return null;
    const ms = time.ms - offsetMs;
    const slackMs = time.precisionMs + TOLERANCE_MS;
    const isBehind = ms + slackMs < answer.startedAtMs;
    const isOfSnapshot =
      ms <= snapshotCreatedAtMs + (answer.endedAtMs - firstMs) + slackMs && ms > snapshotCreatedAtMs - INIT_MS_MAX;
    if (!isBehind || !isOfSnapshot) return null;
    behind.push(answer.startedAtMs - ms);
  }
  return behind[0] ?? null;
}

/** Times of the response and of the log's last lines, by their places; several at one place by their number. */
function timesOf({ payload, log }: CloneAnswer, given: readonly string[], lines: number): ReadonlyMap<string, Time> {
  const without = (text: string): string => withoutGiven(text, given);
  const values = [
    ...findUniqueValues(without(payload), "response"),
    ...log
      .slice(log.length - lines)
      .flatMap((line, number) => findUniqueValues(without(line), `log line ${number + 1}`)),
  ];
  const counts = new Map<string, number>();
  const times = new Map<string, Time>();
  for (const value of values) {
    const { time } = value;
    if (time === undefined) continue;
    const count = (counts.get(value.place) ?? 0) + 1;
    counts.set(value.place, count);
    times.set(`${value.place}#${count}`, { ...value, time });
  }
  return times;
}
