/** Which version an alias means this time: a pure decision. */
import type { AliasRecord } from "./function-record.ts";

/** `chance` from 0 to 1, exclusive. The additional version gets its weight, the alias's own version the rest. */
export function chooseVersion(alias: AliasRecord, chance: number): string {
  let from = 0;
  for (const [version, weight] of Object.entries(alias.weights)) {
    from += weight;
    if (chance < from) return version;
  }
  return alias.functionVersion;
}
