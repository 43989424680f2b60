/** A stored version as the worker wants it. */
import { createHash } from "node:crypto";
import { type AccountScope, functionArn } from "../../model/function-name.ts";
import { accessPointOf } from "../../model/function-config.ts";
import type { FunctionRecord, VersionRecord } from "../../model/function-record.ts";
import type { RunnableVersion } from "../../ports/worker.ts";

export function toRunnableVersion(scope: AccountScope, owner: FunctionRecord, record: VersionRecord): RunnableVersion {
  const { config, code } = record;
  // The description and the like may change without a new environment.
  const { description: _d, role: _r, ...running } = config;
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
    runtime: config.runtime,
    handler: config.handler,
    codeName: code.codeName,
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
