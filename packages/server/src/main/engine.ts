/**
 * Builds the engine that the settings name, and what keeps its snapshots: here and in the far store, claimed for this
 * installation.
 */
import { hkdfSync } from "node:crypto";
import { systemClock } from "../base/clock.ts";
import { type PlatformCode, ThawError } from "../model/platform-errors.ts";
import { pause } from "../base/retry.ts";
import { createCriuEngine } from "../engines/criu/criu-engine.ts";
import type { FarSnapshots } from "../snapshots/far/far-snapshots.ts";
import { createSnapshotReader } from "../snapshots/snapshot-reader.ts";
import { SnapshotService } from "../snapshots/snapshot-service.ts";
import { createProcessEngine } from "../engines/process/process-engine.ts";
import type { Engine, EngineImages } from "../ports/engine.ts";
import type { KeyProvider } from "../ports/key-provider.ts";
import type { SandboxHost } from "../ports/sandbox-host.ts";
import type { SnapshotReader } from "../ports/snapshot-reader.ts";
import { connectSupervisor } from "../supervisor/connect-supervisor.ts";
import { createFar, type FarNews } from "./far.ts";
import type { ServeOptions } from "./options/serve-options.ts";
import { UsageError } from "./options/usage-error.ts";

/** How long the start waits for the snapshot store. */
const STORE_WAIT_MS = 5000;
const FATAL_AT_START: ReadonlySet<PlatformCode> = new Set<PlatformCode>(["STORE_FOREIGN", "STORE_REFUSED"]);

export interface EngineParts extends FarNews {
  readonly options: ServeOptions;
  readonly host: SandboxHost;
  readonly secret: Buffer;
  readonly keys: KeyProvider;
}

export interface MadeEngine {
  readonly engine: Engine;
  /** Snapshots of this host; null where the engine takes none. */
  readonly snapshots: SnapshotService | null;
  /** Reader of snapshots; null where the engine takes none. */
  readonly snapshotReader: SnapshotReader | null;
}

export async function createEngine(parts: EngineParts): Promise<MadeEngine> {
  const { options, host, secret, keys, onProblem } = parts;
  const hosted = {
    host,
    connectSupervisor: (socket: string) => connectSupervisor(socket, systemClock),
    clock: systemClock,
  };
  if (options.engine === "process")
    return { engine: createProcessEngine(hosted), snapshots: null, snapshotReader: null };
  const engine = createCriuEngine(hosted);
  const far = await createFar(options, secret, parts);
  const snapshots = engine.images === null ? null : createSnapshots(parts, engine.images, far);
  if (far !== null && snapshots !== null)
    await claimStore(far.claim(), onProblem).catch(async (error: unknown) => {
      snapshots.close();
      await engine.close();
      throw error;
    });
  const snapshotReader = createSnapshotReader({ dataDir: options.dataDir, keys, far: far?.files ?? null });
  return { engine, snapshots, snapshotReader };
}

function createSnapshots(
  { options, host, secret, keys, onProblem }: EngineParts,
  images: EngineImages,
  far: FarSnapshots | null,
): SnapshotService {
  return new SnapshotService({
    images,
    disk: host,
    keys,
    dataKeysKeptMs: options.dataKeyCacheS * 1000,
    chunkSecretOf: (accountId) => deriveChunkSecret(secret, accountId),
    far,
    clock: systemClock,
    onProblem,
  });
}

/**
 * Another installation's store, or one that refuses, ends the start. One that is away does not: what is here can be
 * restored.
 */
async function claimStore(claim: Promise<void>, onProblem: EngineParts["onProblem"]): Promise<void> {
  const claimed = claim.catch((error: unknown) => {
    if (error instanceof ThawError && FATAL_AT_START.has(error.code))
      throw new UsageError(`${error.publicMessage} ${JSON.stringify(error.detail)}`);
    onProblem("claim the snapshot store", error);
  });
  await Promise.race([claimed, pause(systemClock, STORE_WAIT_MS)]);
  claimed.catch((error: unknown) => onProblem("claim the snapshot store", error));
}

/** Content is shared within an account, never beyond it. */
function deriveChunkSecret(secret: Buffer, accountId: string): Buffer {
  return Buffer.from(hkdfSync("sha256", secret, accountId, "thaw chunks", 32));
}
