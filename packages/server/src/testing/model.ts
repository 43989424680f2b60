export { LATEST, type VersionRecord } from "../model/function-record.ts";
