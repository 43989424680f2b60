export { type CodeDirectory, openCodeDirectory } from "../store/code-directory.ts";
export { openSqliteStore } from "../store/sqlite-store.ts";
