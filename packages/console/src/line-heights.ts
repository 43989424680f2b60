/** Where lines of a log lie that are not all equally high, of which only those in sight are drawn. */
export interface Placed {
  /** Places of the first line that is drawn, and of the one behind the last. */
  readonly first: number;
  readonly until: number;
  /** Place of the first line that is in sight, in part or as a whole. */
  readonly seen: number;
  /** Pixels above the first that is drawn. */
  readonly above: number;
  /** Pixels of all lines together. */
  readonly total: number;
}

/** `margin`: lines that are drawn beyond each end of what is in sight. */
export function placeLines(
  heights: readonly number[],
  sight: { readonly top: number; readonly height: number },
  margin: number,
): Placed {
  let total = 0;
  let seen = heights.length;
  let end = heights.length;
  for (const [at, height] of heights.entries()) {
    if (total + height > sight.top) seen = Math.min(seen, at);
    if (total >= sight.top + sight.height) end = Math.min(end, at);
    total += height;
  }
  const first = Math.max(seen - margin, 0);
  let above = 0;
  for (let at = 0; at < first; at++) above += heights[at] ?? 0;
  return { first, until: Math.min(end + margin, heights.length), seen, above, total };
}
