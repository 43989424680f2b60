export { createDirectoryStore } from "../snapshot-stores/directory-store.ts";
