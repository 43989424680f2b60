/** Where aliases lead. */
import type { AliasConfiguration } from "../api/lambda.ts";

/** The part of an alias's invokes that a version gets, from 0 to 1. */
export function weightOf({ FunctionVersion, RoutingConfig }: AliasConfiguration, version: string): number {
  const others = RoutingConfig?.AdditionalVersionWeights ?? {};
  if (FunctionVersion !== version) return others[version] ?? 0;
  return 1 - Object.values(others).reduce((sum, weight) => sum + weight, 0);
}

/** `live → 1`, or with several versions `live → 1 (90 %), 2 (10 %)`. */
export function aliasInWords(alias: AliasConfiguration): string {
  const { Name = "", FunctionVersion = "", RoutingConfig } = alias;
  const others = Object.keys(RoutingConfig?.AdditionalVersionWeights ?? {});
  const versions = [FunctionVersion, ...others].map((version) =>
    others.length === 0 ? version : `${version} (${percent(weightOf(alias, version))})`,
  );
  return `${Name} → ${versions.join(", ")}`;
}

/** In whole percents where it is one. */
export function percent(weight: number): string {
  return `${Number((weight * 100).toFixed(1))} %`;
}
