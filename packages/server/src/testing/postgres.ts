export { systemClock } from "../base/clock.ts";
export { Connections } from "../store/postgres/connections.ts";
export { type Database, type DatabaseOptions, openDatabase } from "../store/postgres/database.ts";
export { parseDatabaseUrl } from "../store/postgres/database-url.ts";
export { metadataStoreSuite } from "../store/testing/metadata-store-suite.ts";
export { create, functionOf } from "../store/testing/stored-records.ts";
