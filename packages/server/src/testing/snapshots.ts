export { chunkNameOf, chunkNamesOf, readClear } from "../snapshots/format/envelope.ts";
export { SnapshotService } from "../snapshots/snapshot-service.ts";
