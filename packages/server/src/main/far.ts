/**
 * Builds what the settings name beyond this host: the far store of snapshots, and who holds the keys. The SDKs are
 * loaded only where they are used.
 */
import { hkdfSync } from "node:crypto";
import { systemClock } from "../base/clock.ts";
import { systemRandom } from "../base/random.ts";
import { type FarEvent, FarSnapshots } from "../snapshots/far/far-snapshots.ts";
import { RoutedKeys } from "../keys/routed-keys.ts";
import type { Keyring } from "../keys/keyring.ts";
import type { KeyProvider } from "../ports/key-provider.ts";
import type { SnapshotStore } from "../ports/snapshot-store.ts";
import { createDirectoryStore } from "../snapshot-stores/directory-store.ts";
import type { ServeOptions } from "./options/serve-options.ts";
import type { SnapshotStoreOptions } from "./options/snapshot-store.ts";

const MIB = 1024 * 1024;

/** Counts of the traffic between this host and the snapshot store since the start. */
export class FarCounts {
  readonly counts = {
    chunksFetched: 0,
    chunkBytesFetched: 0,
    chunksFailed: 0,
    chunksEvicted: 0,
    chunkBytesEvicted: 0,
    chunksCollected: 0,
    chunksUploaded: 0,
    chunkBytesUploaded: 0,
    snapshotsFetched: 0,
    manifestBytesFetched: 0,
    manifestsReplaced: 0,
    fallbacks: 0,
  };

  add(event: FarEvent): void {
    const { counts } = this;
    switch (event.kind) {
      case "chunk-fetched":
        counts.chunksFetched++;
        counts.chunkBytesFetched += event.bytes;
        break;
      case "chunk-failed":
        counts.chunksFailed++;
        break;
      case "chunks-evicted":
        counts.chunksEvicted += event.chunks;
        counts.chunkBytesEvicted += event.bytes;
        break;
      case "chunks-collected":
        counts.chunksCollected += event.chunks;
        break;
      case "snapshot-uploaded":
        counts.chunksUploaded += event.chunks;
        counts.chunkBytesUploaded += event.bytes;
        break;
      case "snapshot-fetched":
        counts.snapshotsFetched++;
        counts.manifestBytesFetched += event.bytes;
        break;
      case "manifest-replaced":
        counts.manifestsReplaced++;
        break;
    }
  }
}

export interface FarNews {
  readonly onEvent: (event: FarEvent) => void;
  readonly onProblem: (what: string, error: unknown) => void;
}

/** Builds the far store's side of this host; null where snapshots are only here. */
export async function createFar(options: ServeOptions, secret: Buffer, news: FarNews): Promise<FarSnapshots | null> {
  if (options.snapshotStore === null) return null;
  return new FarSnapshots({
    store: await createSnapshotStore(options.snapshotStore),
    dataDir: options.dataDir,
    // Known to all hosts of the installation, and says nothing of the secret.
    installation: Buffer.from(hkdfSync("sha256", secret, "", "thaw installation", 16)).toString("hex"),
    cacheSizeBytesMax: options.chunkCacheMib * MIB,
    graceMs: options.chunkGraceS * 1000,
    clock: systemClock,
    random: systemRandom,
    ...news,
  });
}

async function createSnapshotStore(options: SnapshotStoreOptions): Promise<SnapshotStore> {
  if (options.kind === "directory") return createDirectoryStore(options.path);
  const { createS3Store } = await import("../snapshot-stores/s3-store.ts");
  return createS3Store(options);
}

export async function createKeys(options: ServeOptions, keyring: Keyring): Promise<KeyProvider> {
  if (options.kms === null) return new RoutedKeys(keyring, null);
  const { AwsKms } = await import("../keys/aws-kms.ts");
  return new RoutedKeys(keyring, new AwsKms(options.kms));
}
