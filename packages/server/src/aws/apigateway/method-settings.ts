/** What a stage asks of its traffic: a log, and settings of methods, changed by paths of their own. */
import type { MethodSetting, OperationTypes, PatchOperation } from "@thaw/aws-api/apigateway";
import type { MethodSettingsRecord, RestStageRecord } from "../../model/rest-api/record.ts";
import { readLimit } from "../gateways/access-logs.ts";
import { badRequest } from "../gateways/refusals.ts";

type Settings = Readonly<Record<string, MethodSetting>>;
type Traffic = Pick<RestStageRecord, "accessLog" | "methodSettings" | "isTraced">;

export const NO_TRAFFIC: Traffic = { accessLog: null, methodSettings: {}, isTraced: false };

const SETTINGS_MAX = 300;
/** Members by the ends of their paths. */
const MEMBERS: Readonly<Record<string, keyof MethodSetting>> = {
  "metrics/enabled": "metricsEnabled",
  "logging/loglevel": "loggingLevel",
  "logging/dataTrace": "dataTraceEnabled",
  "throttling/burstLimit": "throttlingBurstLimit",
  "throttling/rateLimit": "throttlingRateLimit",
  "caching/enabled": "cachingEnabled",
};
const FLAGS: ReadonlySet<string> = new Set(["metricsEnabled", "dataTraceEnabled", "cachingEnabled"]);
const LEVELS: ReadonlySet<string> = new Set(["OFF", "ERROR", "INFO"]);
const PATH = /^\/([^/]+)\/([A-Z*]+)\/((?:metrics|logging|throttling|caching)\/[A-Za-z]+)$/;
const WHOLE = /^\/([^/]+)\/([A-Z*]+)$/;

/** The patches of methods' settings, carried out, and those that are left. */
export function patchedSettings(
  settings: Settings,
  operations: OperationTypes["UpdateStage"]["input"]["patchOperations"] = [],
): { readonly settings: Settings; readonly others: PatchOperation[] } {
  const made = new Map(Object.entries(settings));
  const others: PatchOperation[] = [];
  for (const operation of operations) {
    const { op = "replace", path = "", value = "" } = operation;
    const [, resource, method, end] = PATH.exec(path) ?? WHOLE.exec(path) ?? [];
    const key = `${resource}/${method}`;
    if (resource === undefined || resource === "variables" || resource === "accessLogSettings") others.push(operation);
    else if (op === "remove" && end === undefined) made.delete(key);
    else if (op === "replace" && end !== undefined)
      made.set(key, { ...made.get(key), [memberOf(end)]: readValue(memberOf(end), path, value) });
    else others.push(operation);
  }
  if (made.size > SETTINGS_MAX) throw badRequest(`A stage has settings of at most ${SETTINGS_MAX} methods`);
  return { settings: Object.fromEntries(made), others };
}

function memberOf(end: string): keyof MethodSetting {
  const member = Object.hasOwn(MEMBERS, end) ? MEMBERS[end] : undefined;
  if (member === undefined) throw badRequest(`${end} is not supported by Thaw: there is no cache here. Leave it out.`);
  return member;
}

function readValue(member: string, path: string, value: string): string | number | boolean {
  if (member === "loggingLevel") return value;
  if (!FLAGS.has(member)) return Number(value);
  if (value !== "true" && value !== "false") throw badRequest(`The value of ${path} must be true or false`);
  return value === "true";
}

/** Throws a BadRequestException where a method can't have such settings. */
export function readSettings(settings: Settings): RestStageRecord["methodSettings"] {
  return Object.fromEntries(Object.entries(settings).map(([key, each]) => [key, readSetting(each)]));
}

function readSetting(given: MethodSetting): MethodSettingsRecord {
  const { loggingLevel = "OFF", cachingEnabled = false } = given;
  if (cachingEnabled)
    throw badRequest("cachingEnabled is not supported by Thaw: there is no cache here. Leave it out.");
  if (!LEVELS.has(loggingLevel)) throw badRequest("loggingLevel must be OFF, ERROR or INFO");
  return {
    ratePerS: readLimit("throttlingRateLimit", given.throttlingRateLimit),
    burst: readLimit("throttlingBurstLimit", given.throttlingBurstLimit),
    hasMetrics: given.metricsEnabled ?? false,
    loggingLevel,
    isDataTraced: given.dataTraceEnabled ?? false,
  };
}

/** As AWS shows it; -1 is no limit. */
export function presentSettings(settings: RestStageRecord["methodSettings"]): Record<string, MethodSetting> {
  return Object.fromEntries(
    Object.entries(settings).map(([key, each]) => [
      key,
      {
        metricsEnabled: each.hasMetrics,
        loggingLevel: each.loggingLevel,
        dataTraceEnabled: each.isDataTraced,
        throttlingBurstLimit: each.burst ?? -1,
        throttlingRateLimit: each.ratePerS ?? -1,
        cachingEnabled: false,
      },
    ]),
  );
}
