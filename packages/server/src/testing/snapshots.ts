export { chunkNameOf, chunkNamesOf, readClear } from "../snapshots/format/envelope.ts";
