export { openSqliteStore } from "../store/sqlite-store.ts";
