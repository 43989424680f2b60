/** Finds the source that a name stands for: an exact name before a pattern. */
import type { SourceGroup, SourceMode } from "./source.ts";

export interface Source {
  readonly rule: string;
  readonly mode: SourceMode;
}

export class Catalog {
  readonly #exact = new Map<string, Source>();
  readonly #patterns: Array<{ readonly pattern: RegExp; readonly isOfCall: boolean; readonly source: Source }> = [];

  constructor(groups: readonly SourceGroup[]) {
    for (const { rule, mode, names } of groups) {
      for (const name of names) {
        if (!name.includes("*")) this.#exact.set(name, { rule, mode });
        else {
          const pattern = new RegExp(`^${name.split("*").map(escape).join(".*")}$`);
          this.#patterns.push({
            pattern,
            isOfCall: name.includes(")") || name.startsWith("*"),
            source: { rule, mode },
          });
        }
      }
    }
  }

  find(name: string): Source | null {
    const exact = this.#exact.get(name);
    if (exact !== undefined) return exact;
    // `random.*` is a function of the module, not a method of an object that the module made.
    const isOfCall = name.includes(")");
    return this.#patterns.find((each) => (!isOfCall || each.isOfCall) && each.pattern.test(name))?.source ?? null;
  }
}

function escape(text: string): string {
  return text.replaceAll(/[.+?^${}()|[\]\\]/g, "\\$&");
}
