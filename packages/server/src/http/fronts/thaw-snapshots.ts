/** GET snapshots, snapshots/ID, snapshots/ID/verify (?local=true: without the far store) of Thaw's own API. ID: a snapshot's, or FUNCTION:VERSION (or :ALIAS). */
import type { ControlPlane } from "../../control/control-plane.ts";
import type { ControlServices } from "../../control/services.ts";
import { ThawError } from "../../model/platform-errors.ts";
import { findVersion, listAllVersions } from "../../control/records/lookup.ts";
import { ApiError, notFound } from "../../model/api-error.ts";
import { LATEST, type VersionRecord } from "../../model/function-record.ts";
import { jsonReply, type Reply } from "../reply.ts";

export async function serveSnapshots(control: ControlPlane, rest: readonly string[], isLocal: boolean): Promise<Reply> {
  const { services } = control;
  const [id, action] = rest;
  if (id === undefined || id === "") return jsonReply(200, { snapshots: control.snapshots.list() });
  const version = findSnapshot(services, id);
  const { snapshotId, snapshotFacts } = version;
  const snapshotKey = snapshotFacts?.key;
  const reader = services.snapshotReader;
  if (snapshotId === null || snapshotKey === undefined || reader === null) throw notFound(`Snapshot not found: ${id}`);
  if (action !== undefined && action !== "verify")
    throw new ApiError("UnknownOperationException", "There is only snapshots/ID and snapshots/ID/verify.");
  try {
    if (action === "verify")
      return jsonReply(200, { ...summarize(version), ...(await reader.verify(snapshotId, snapshotKey, isLocal)) });
    return jsonReply(200, { ...summarize(version), ...(await reader.inspect(snapshotId, snapshotKey)) });
  } catch (error) {
    const why =
      error instanceof ThawError ? String(error.detail["why"] ?? error.publicMessage) : (error as Error).message;
    throw new ApiError(
      "ServiceException",
      `${action === "verify" ? snapshotId : `The manifest of ${snapshotId}`} can't be read: ${why}`,
    );
  }
}

function findSnapshot(services: ControlServices, id: string): VersionRecord {
  const bySnapshot = listAllVersions(services).find(
    (version) => version.version !== LATEST && version.snapshotId === id,
  );
  if (bySnapshot !== undefined) return bySnapshot;
  if (id.startsWith("snap-")) throw notFound(`Snapshot not found: ${id}`);
  const { version } = findVersion(services, id, undefined);
  if (version.snapshotId !== null) return version;
  const why =
    version.config.snapStartApplyOn === "PublishedVersions"
      ? `its state is ${version.state}`
      : "it is without SnapStart";
  throw notFound(
    `${version.functionName}:${version.version} has no snapshot: ${version.version === LATEST ? "only published versions have one" : why}`,
  );
}

function summarize(version: VersionRecord): Record<string, unknown> {
  return {
    snapshotId: version.snapshotId,
    functionName: version.functionName,
    version: version.version,
    runtime: version.config.runtime,
    createdAt: version.snapshotFacts === null ? null : new Date(version.snapshotFacts.createdAtMs).toISOString(),
  };
}
