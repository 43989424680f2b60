/** Refuses values that are known only after the deployment where they would be needed for it. */
import { hasLateMark, hasMark } from "./marks.ts";
import type { Report } from "./problem.ts";
import type { Planning } from "./resources/planning.ts";
import type { TemplateMap } from "./value.ts";

export const LATE = "needs the number of a version or the address of a URL, which is known only after the deployment";

type Parts = Pick<Planning, "layers" | "functions" | "permissions" | "eventInvokes">;

/** Gives the parts without what was refused, for those who deploy the rest. */
export function refuseLateValues(parts: Parts, report: Report): Parts {
  const keep = (place: string, value: unknown, isLate = hasLateMark): boolean => {
    const isKept = !isLate(JSON.stringify(value));
    if (!isKept) report.unsupported(place, LATE);
    return isKept;
  };
  const settings = (place: string, config: TemplateMap): TemplateMap =>
    Object.fromEntries(Object.entries(config).filter(([key, value]) => keep(`${place}.${key}`, value)));
  return {
    layers: parts.layers.filter(({ logicalId, ...layer }) => keep(`Resources.${logicalId}`, layer, hasMark)),
    functions: parts.functions.map(({ config, tags, ...rest }) => {
      const place = `Resources.${rest.logicalId}`;
      const texts = Object.entries(tags).filter(([key, value]) => keep(`${place}.Tags.${key}`, value));
      return { ...rest, config: settings(place, config), tags: Object.fromEntries(texts) };
    }),
    permissions: parts.permissions.filter((each) => keep(`Resources.${each.statementId}`, each)),
    eventInvokes: parts.eventInvokes.filter(({ functionName, config }) =>
      keep(`EventInvokeConfig of ${functionName}`, config),
    ),
  };
}
