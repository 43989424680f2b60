/** The order of a template's resources: each after what it needs. */

/** Kahn's algorithm, stable: of those that may come, the first. What is in a cycle is left out. */
export function inOrder(needs: Readonly<Record<string, readonly string[]>>): readonly string[] {
  const left = new Map(Object.entries(needs).map(([id, needed]) => [id, new Set(needed).size]));
  const needing = new Map<string, string[]>();
  for (const [id, needed] of Object.entries(needs))
    for (const name of new Set(needed)) needing.set(name, [...(needing.get(name) ?? []), id]);
  const order = [...left].filter(([, count]) => count === 0).map(([id]) => id);
  // The list grows while it is walked.
  for (const id of order)
    for (const next of needing.get(id) ?? []) {
      const count = (left.get(next) ?? 0) - 1;
      left.set(next, count);
      if (count === 0) order.push(next);
    }
  return order;
}
