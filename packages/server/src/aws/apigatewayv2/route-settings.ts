/** What a stage asks of its traffic: a log, and limits of each route. */
import type { OperationTypes, RouteSettings } from "@thaw/aws-api/apigatewayv2";
import type { AccountScope } from "../../model/function-name.ts";
import { UNLIMITED } from "../../model/gateways/rate-limits.ts";
import type { HttpApiRecord, HttpStageRecord, RouteSettingsRecord } from "../../model/http-api/record.ts";
import { readAccessLog, readLimit } from "../gateways/access-logs.ts";
import { badRequest, notFound } from "../gateways/refusals.ts";

type Given = Pick<
  Partial<OperationTypes["CreateStage"]["input"]>,
  "AccessLogSettings" | "DefaultRouteSettings" | "RouteSettings"
>;

export const NO_SETTINGS: RouteSettingsRecord = { ...UNLIMITED, hasMetrics: false };

export function trafficOf(
  scope: AccountScope,
  api: HttpApiRecord,
  before: HttpStageRecord,
  { AccessLogSettings: log, DefaultRouteSettings: defaults, RouteSettings: own }: Given,
): Pick<HttpStageRecord, "accessLog" | "routeDefaults" | "routeSettings"> {
  const added = Object.entries(own ?? {}).map(([key, settings]) => {
    if (!api.routes.some((route) => route.key === key))
      throw notFound(`Unable to find Route by key ${key.slice(0, 200)} within the provided RouteSettings`);
    return [key, readSettings(settings)] as const;
  });
  return {
    accessLog: log === undefined ? before.accessLog : readAccessLog(scope, log.DestinationArn, log.Format),
    routeDefaults: defaults === undefined ? before.routeDefaults : readSettings(defaults),
    routeSettings: { ...before.routeSettings, ...Object.fromEntries(added) },
  };
}

function readSettings(given: RouteSettings): RouteSettingsRecord {
  if (given.DataTraceEnabled === true || (given.LoggingLevel !== undefined && given.LoggingLevel !== "OFF"))
    throw badRequest("Execution logs are not supported on protocol type HTTP: use AccessLogSettings");
  return {
    ratePerS: readLimit("ThrottlingRateLimit", given.ThrottlingRateLimit),
    burst: readLimit("ThrottlingBurstLimit", given.ThrottlingBurstLimit),
    hasMetrics: given.DetailedMetricsEnabled ?? false,
  };
}

export function presentSettings({ ratePerS, burst, hasMetrics }: RouteSettingsRecord): RouteSettings {
  return {
    DetailedMetricsEnabled: hasMetrics,
    ...(burst === null ? {} : { ThrottlingBurstLimit: burst }),
    ...(ratePerS === null ? {} : { ThrottlingRateLimit: ratePerS }),
  };
}
