export type { CallerKey } from "../model/caller.ts";
export { type FunctionRecord, LATEST, type VersionRecord } from "../model/function-record.ts";
export { PLATFORM_ERRORS, type PlatformCode } from "../model/platform-errors.ts";
export { optNameOf } from "../model/layer-record.ts";
