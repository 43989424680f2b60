/** Contents of snapshots, for operators: described and verified, by ID, FUNCTION:VERSION or FUNCTION:ALIAS. */
import type { SnapshotId } from "../../base/ids.ts";
import { ApiError, notFound } from "../../model/api-error.ts";
import { LATEST, type VersionRecord } from "../../model/function-record.ts";
import { ThawError } from "../../model/platform-errors.ts";
import type { SnapshotKey } from "../../ports/snapshots.ts";
import type { SnapshotContents, SnapshotReader, Verification } from "../../ports/snapshot-reader.ts";
import { findVersion } from "../records/lookup.ts";
import type { ControlServices } from "../services.ts";

/** The version that a snapshot belongs to. */
interface Owner {
  readonly functionName: string;
  readonly version: string;
  readonly runtime: string;
  readonly createdAt: string | null;
}

interface Found {
  readonly owner: Owner;
  readonly snapshotId: SnapshotId;
  readonly key: SnapshotKey;
  readonly reader: SnapshotReader;
}

type Needs = Pick<ControlServices, "scope" | "store" | "snapshotReader">;

export class SnapshotInspection {
  readonly #services: Needs;

  constructor(services: Needs) {
    this.#services = services;
  }

  /**
   * Reads the manifest only. Throws ServiceException if it can't be read, ResourceNotFoundException if there is none.
   */
  async inspect(id: string): Promise<Owner & SnapshotContents> {
    const { owner, snapshotId, key, reader } = await this.#find(id);
    try {
      return { ...owner, ...(await reader.inspect(snapshotId, key)) };
    } catch (error) {
      throw unreadable(`The manifest of ${snapshotId}`, error);
    }
  }

  /** Reads all of it; `isLocal`: only what is on this host. Throws as `inspect` does. */
  async verify(id: string, isLocal: boolean): Promise<Owner & Verification> {
    const { owner, snapshotId, key, reader } = await this.#find(id);
    try {
      return { ...owner, ...(await reader.verify(snapshotId, key, isLocal)) };
    } catch (error) {
      throw unreadable(snapshotId, error);
    }
  }

  async #find(id: string): Promise<Found> {
    const record = await this.#findVersion(id);
    const { snapshotId, snapshotFacts } = record;
    const key = snapshotFacts?.key;
    const reader = this.#services.snapshotReader;
    if (snapshotId === null || key === undefined || reader === null) throw notFound(`Snapshot not found: ${id}`);
    return { owner: ownerOf(record), snapshotId, key, reader };
  }

  async #findVersion(id: string): Promise<VersionRecord> {
    const bySnapshot = (await this.#services.store.listAllVersions()).find(
      (version) => version.version !== LATEST && version.snapshotId === id,
    );
    if (bySnapshot !== undefined) return bySnapshot;
    if (id.startsWith("snap-")) throw notFound(`Snapshot not found: ${id}`);
    const { version } = await findVersion(this.#services, id, undefined);
    if (version.snapshotId !== null) return version;
    throw notFound(`${version.functionName}:${version.version} has no snapshot: ${whyNone(version)}`);
  }
}

function whyNone(version: VersionRecord): string {
  if (version.version === LATEST) return "only published versions have one";
  return version.config.snapStartApplyOn === "PublishedVersions"
    ? `its state is ${version.state}`
    : "it is without SnapStart";
}

function ownerOf({ functionName, version, config, snapshotFacts }: VersionRecord): Owner {
  const createdAt = snapshotFacts === null ? null : new Date(snapshotFacts.createdAtMs).toISOString();
  return { functionName, version, runtime: config.runtime, createdAt };
}

function unreadable(what: string, error: unknown): ApiError {
  const why =
    error instanceof ThawError ? String(error.detail["why"] ?? error.publicMessage) : (error as Error).message;
  return new ApiError("ServiceException", `${what} can't be read: ${why}`);
}
