/** Names that somebody may have meant. */

/** Beyond this many typing mistakes a suggestion would be a guess. */
const DISTANCE_MAX = 3;

/** The candidate that is the fewest insertions, deletions and replacements away; null where none is near. */
export function nearest(name: string, candidates: readonly string[]): string | null {
  const [best] = candidates
    .map((candidate) => ({ candidate, distance: distanceOf(name.slice(0, 64), candidate) }))
    .toSorted((a, b) => a.distance - b.distance);
  return best !== undefined && best.distance <= Math.min(DISTANCE_MAX, best.candidate.length / 2)
    ? best.candidate
    : null;
}

/** Levenshtein's distance, one row of its table at a time. */
function distanceOf(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, at) => at);
  for (let i = 0; i < from.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < to.length; j++)
      next.push(
        Math.min((row[j + 1] as number) + 1, (next[j] as number) + 1, (row[j] as number) + (from[i] === to[j] ? 0 : 1)),
      );
    row = next;
  }
  return row[to.length] as number;
}
