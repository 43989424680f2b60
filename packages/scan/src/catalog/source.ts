/** The calls and reads that bring state into a program that clones must not share; one list for each language. */

/**
 * value: what it returns is the hazard, where it is kept. noargs: the same, only without arguments (`new Date()`).
 * generator: the same, under the rule `seed` where it has arguments. withargs: only with arguments. effect: the call
 * itself is the hazard. pool: what it returns is, and the call fills a pool of random bytes that later calls draw from.
 * execArgv: a thread or process that is started with an `execArgv` of its own, so that what makes its clones unique
 * does not reach it. The last two are JavaScript's only.
 */
export type SourceMode = "value" | "noargs" | "withargs" | "generator" | "effect" | "pool" | "execArgv";

export interface SourceGroup {
  readonly rule: string;
  readonly mode: SourceMode;
  /** Names as the scanner of the language spells them; `*` stands for anything. An exact name goes before a pattern. */
  readonly names: readonly string[];
}

/** `RULE<tab>MODE<tab>NAME` a line, for the scanners that are programs of their own. */
export function toLines(groups: readonly SourceGroup[]): string {
  return groups.flatMap(({ rule, mode, names }) => names.map((name) => `${rule}\t${mode}\t${name}\n`)).join("");
}
