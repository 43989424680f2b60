/** Conditions joined by `&&` and `||`, with parentheses: `&&` binds closer, as on AWS. */
import type { PatternReader } from "./pattern-reader.ts";

export interface Condition<T> {
  /** What it costs for each character of a message. */
  readonly weight: number;
  holds(subject: T): boolean;
}

/**
 * Reads a condition.
 *
 * @param readSingle - Reads one that is not made of others.
 */
export function readCondition<T>(reader: PatternReader, readSingle: () => Condition<T>): Condition<T> {
  const readPrimary = (): Condition<T> => {
    reader.skipBlanks();
    if (!reader.take("(")) return readSingle();
    const inner = readCondition(reader, readSingle);
    reader.skipBlanks();
    reader.expect(")");
    return inner;
  };
  const readAll = (): Condition<T> => {
    const parts = [readPrimary()];
    for (reader.skipBlanks(); reader.take("&&"); reader.skipBlanks()) parts.push(readPrimary());
    return joined(parts, (subject) => parts.every((part) => part.holds(subject)));
  };
  const parts = [readAll()];
  for (reader.skipBlanks(); reader.take("||"); reader.skipBlanks()) parts.push(readAll());
  return joined(parts, (subject) => parts.some((part) => part.holds(subject)));
}

function joined<T>(parts: ReadonlyArray<Condition<T>>, holds: (subject: T) => boolean): Condition<T> {
  const [first] = parts;
  if (parts.length === 1 && first !== undefined) return first;
  return { weight: parts.reduce((sum, { weight }) => sum + weight, 0), holds };
}
