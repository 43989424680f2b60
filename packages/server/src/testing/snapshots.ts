export { FarSnapshots } from "../snapshots/far/far-snapshots.ts";
export { ChunkCache } from "../snapshots/far/chunk-cache.ts";
export { Collector } from "../snapshots/far/collector.ts";
export { chunkKey, CHUNKS, FarStore, manifestKey } from "../snapshots/far/far-store.ts";
export { LocalFiles } from "../snapshots/far/local-files.ts";
export { Uploader } from "../snapshots/far/uploader.ts";
export { SnapshotService } from "../snapshots/snapshot-service.ts";
export { chunkNameOf, chunkNamesOf, readClear, SNAPSHOT_FORMAT } from "../snapshots/format/envelope.ts";
