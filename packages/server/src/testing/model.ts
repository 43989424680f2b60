export { LATEST, type VersionRecord } from "../model/function-record.ts";
export { PLATFORM_ERRORS } from "../model/platform-errors.ts";
