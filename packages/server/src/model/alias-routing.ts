/** The choice of the version that an alias means for one invoke. Pure. */
import type { AliasRecord } from "./function-record.ts";

/**
 * Chooses a version: the additional one by its weight, else the alias's own.
 *
 * @param chance - From 0 to 1, exclusive.
 */
export function chooseVersion(alias: AliasRecord, chance: number): string {
  let from = 0;
  for (const [version, weight] of Object.entries(alias.weights)) {
    from += weight;
    if (chance < from) return version;
  }
  return alias.functionVersion;
}

/** The versions behind an alias, each with its part of the requests; without an alias: the version itself. */
export function partsOf(
  alias: AliasRecord | null,
  qualifier: string,
): ReadonlyArray<readonly [version: string, weight: number]> {
  const others = Object.entries(alias?.weights ?? {});
  const rest = 1 - others.reduce((sum, [, weight]) => sum + weight, 0);
  return [[alias?.functionVersion ?? qualifier, rest], ...others];
}
