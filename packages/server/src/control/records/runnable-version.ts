/** A stored version as the worker wants it. */
import { createHash } from "node:crypto";
import { type AccountScope, functionArn } from "../../model/function-name.ts";
import { accessPointOf } from "../../model/access-point.ts";
import { toRunnableImage } from "../../model/image.ts";
import { optNameOf } from "../../model/layer-record.ts";
import type { FunctionRecord, VersionRecord } from "../../model/function-record.ts";
import type { Revision, Stored } from "../../ports/metadata-store.ts";
import type { RunnableVersion } from "../../ports/worker.ts";

export function toRunnableVersion(scope: AccountScope, owner: FunctionRecord, record: VersionRecord): RunnableVersion {
  const { config, code } = record;
  // The description and the like may change without a new environment.
  const { description: _d, role: _r, vpc: _v, ...running } = config;
  const runKey = createHash("sha256")
    .update(JSON.stringify([owner.uid, record.version, code.codeName, record.snapshotId, Object.entries(running)]))
    .digest("hex")
    .slice(0, 32);
  return {
    runKey,
    functionName: record.functionName,
    version: record.version,
    functionArn: functionArn(scope, record.functionName),
    accountId: scope.accountId,
    region: scope.region,
    role: config.role,
    runtime: config.runtime,
    handler: config.handler,
    codeName: code.codeName,
    image: code.image === undefined ? null : toRunnableImage(code.image, config.imageConfig ?? null),
    optName: optNameOf(config.layers ?? []),
    layerNames: (config.layers ?? []).map(({ codeName }) => codeName),
    memorySizeMib: config.memorySizeMib,
    timeoutS: config.timeoutS,
    tmpSizeMib: config.tmpSizeMib,
    fileSystems: config.fileSystems.map(({ arn, localMountPath }) => ({
      name: accessPointOf(arn),
      mount: localMountPath.slice("/mnt/".length),
    })),
    environment: config.environment ?? {},
    uid: owner.uid,
    logGroup: config.logGroup,
    logFormat: config.logFormat,
    applicationLogLevel: config.applicationLogLevel,
    systemLogLevel: config.systemLogLevel,
    snapshotId: record.snapshotId,
    snapshotKey: record.snapshotFacts?.key ?? null,
    snapshotFingerprints: record.snapshotFacts?.fingerprints ?? null,
    kmsKeyArn: config.kmsKeyArn,
  };
}

/** A version's configuration may have 4 KiB of variables: some ten MiB of memory. */
const KEPT_MAX = 2000;

/**
 * Runnable versions of stored records, each worked out once for a revision of its record: an invoke needs one each
 * time.
 */
export class RunnableVersions {
  readonly #scope: AccountScope;
  /** The least recently used first. */
  readonly #kept = new Map<
    string,
    { readonly uid: number; readonly revision: Revision; readonly made: RunnableVersion }
  >();

  constructor(scope: AccountScope) {
    this.#scope = scope;
  }

  of(owner: FunctionRecord, record: Stored<VersionRecord>): RunnableVersion {
    const key = `${record.functionName}:${record.version}`;
    const { uid } = owner;
    const { revision } = record;
    const found = this.#kept.get(key);
    const made =
      found?.uid === uid && found.revision === revision ? found.made : toRunnableVersion(this.#scope, owner, record);
    this.#kept.delete(key);
    this.#kept.set(key, { uid, revision, made });
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= KEPT_MAX) break;
      this.#kept.delete(oldest);
    }
    return made;
  }
}
