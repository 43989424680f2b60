/** The engine that the settings name, with its adapters; for snapshots also the far store, claimed for this installation. */
import { hkdfSync } from "node:crypto";
import { systemClock } from "../base/clock.ts";
import { type PlatformCode, ThawError } from "../model/platform-errors.ts";
import { systemRandom } from "../base/random.ts";
import { pause } from "../base/retry.ts";
import { createCriuEngine, type FarEvent } from "../engines/criu/criu-engine.ts";
import { createSnapshotReader } from "../snapshots/snapshot-reader.ts";
import { createProcessEngine } from "../engines/process/process-engine.ts";
import type { Engine } from "../ports/engine.ts";
import type { KeyProvider } from "../ports/key-provider.ts";
import type { SandboxHost } from "../ports/sandbox-host.ts";
import type { SnapshotReader } from "../ports/snapshot-reader.ts";
import { connectSupervisor } from "../supervisor/connect-supervisor.ts";
import { createFar, createFarFiles } from "./far.ts";
import type { ServeOptions } from "./options/serve-options.ts";
import { UsageError } from "./options/usage-error.ts";

/** How long the start waits for the snapshot store. */
const STORE_WAIT_MS = 5000;
const FATAL_AT_START: ReadonlySet<PlatformCode> = new Set<PlatformCode>(["STORE_FOREIGN", "STORE_REFUSED"]);

export interface EngineParts {
  readonly options: ServeOptions;
  readonly host: SandboxHost;
  readonly secret: Buffer;
  readonly keys: KeyProvider;
  readonly onEvent: (event: FarEvent) => void;
  readonly onProblem: (what: string, error: unknown) => void;
}

export interface MadeEngine {
  readonly engine: Engine;
  /** Null where the engine takes no snapshots. */
  readonly snapshotReader: SnapshotReader | null;
}

export async function createEngine({
  options,
  host,
  secret,
  keys,
  onEvent,
  onProblem,
}: EngineParts): Promise<MadeEngine> {
  const hosted = {
    host,
    connectSupervisor: (socket: string) => connectSupervisor(socket, systemClock),
    clock: systemClock,
  };
  if (options.engine === "process") return { engine: createProcessEngine(hosted), snapshotReader: null };
  const far = await createFar(options, secret, onEvent);
  const engine = createCriuEngine({
    ...hosted,
    keys,
    dataKeysKeptMs: options.dataKeyCacheS * 1000,
    chunkSecret: deriveChunkSecret(secret, options.accountId),
    far,
    random: systemRandom,
    onProblem,
  });
  await claimStore(engine.claimStore(), onProblem).catch(async (error: unknown) => {
    await engine.close();
    throw error;
  });
  return { engine, snapshotReader: createSnapshotReader({ dataDir: options.dataDir, keys, far: createFarFiles(far) }) };
}

/** Another installation's store, or one that refuses, ends the start. One that is away does not: what is here can be restored. */
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
