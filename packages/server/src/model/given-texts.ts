/**
 * Texts of an event, which an answer may repeat: they are left out of what is compared. Each is looked for in each
 * answer, and both are foreign, so that there are limits.
 */
const TEXTS_MAX = 100;
/** Values of an event that are looked at. */
const VALUES_MAX = 100_000;

/** Those that can be taken out of a JSON document without breaking it. */
const TEXT = /^[\p{L}\p{N} ._-]{3,}$/u;

export interface GivenTexts {
  /** In the order of the event. */
  readonly texts: readonly string[];
  /** False where the event has more than are left out. */
  readonly isWhole: boolean;
}

/** Lists the texts of an event. Not by recursion: it may be as deep as it is long. */
export function givenTexts(event: unknown): GivenTexts {
  const texts = new Set<string>();
  const left: unknown[] = [event];
  for (let looked = 0; left.length > 0; looked++) {
    if (looked >= VALUES_MAX) return { texts: [...texts], isWhole: false };
    const value = left.pop();
    if (typeof value === "object" && value !== null) {
      const inner = Object.values(value) as readonly unknown[];
      for (let at = inner.length - 1; at >= 0; at--) left.push(inner[at]);
    } else if (typeof value === "string" && TEXT.test(value) && !/^\d+$/.test(value)) {
      if (texts.size === TEXTS_MAX && !texts.has(value)) return { texts: [...texts], isWhole: false };
      texts.add(value);
    }
  }
  return { texts: [...texts], isWhole: true };
}

/** Texts without those of one event, by that list: the same answer is looked at in several ways. */
const CLEARED = new WeakMap<readonly string[], Map<string, string>>();

/** Puts blanks in the places of given texts. */
export function withoutGiven(text: string, given: readonly string[]): string {
  if (given.length === 0) return text;
  const known = CLEARED.get(given) ?? new Map<string, string>();
  CLEARED.set(given, known);
  const found = known.get(text);
  if (found !== undefined) return found;
  const cleared = given.reduce((rest, each) => rest.replaceAll(each, " ".repeat(each.length)), text);
  known.set(text, cleared);
  return cleared;
}
