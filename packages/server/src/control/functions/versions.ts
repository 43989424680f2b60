/** PublishVersion and ListVersionsByFunction. */
import { createHash } from "node:crypto";
import { invalidParameter } from "../../model/api-error.ts";
import { parseFunctionName } from "../../model/function-name.ts";
import { CREATING_STATE, type VersionRecord } from "../../model/function-record.ts";
import { checkRevision, checkSettled, findFunction, findLatest, nameForChange } from "../records/lookup.ts";
import { pageOf } from "../records/pages.ts";
import { presentListedVersion, presentVersion } from "../records/present.ts";
import type { Publisher } from "../snapshots/publisher.ts";
import type { In, OperationsOf, Out } from "../operations.ts";
import type { ControlServices } from "../services.ts";

type Needs = Pick<ControlServices, "scope" | "store" | "clock" | "random">;

export function versionOperations(
  services: Needs,
  publisher: Publisher,
): OperationsOf<"PublishVersion" | "ListVersionsByFunction"> {
  const versions = new Versions(services, publisher);
  return {
    PublishVersion: (input) => versions.publish(input),
    ListVersionsByFunction: (input) => versions.list(input),
  };
}

class Versions {
  readonly #services: Needs;
  readonly #publisher: Publisher;

  constructor(services: Needs, publisher: Publisher) {
    this.#services = services;
    this.#publisher = publisher;
  }

  publish(input: In<"PublishVersion">): Out<"PublishVersion"> {
    const name = nameForChange(this.#services, input.FunctionName);
    const latest = findLatest(this.#services, name);
    checkSettled(this.#services, latest);
    checkRevision(input.RevisionId, latest.revisionId);
    if (input.CodeSha256 !== undefined && input.CodeSha256 !== latest.code.codeSha256) {
      throw invalidParameter(
        `CodeSHA256 (${input.CodeSha256}) is different from current CodeSHA256 in $LATEST (${latest.code.codeSha256}). Please try again with the CodeSHA256 in $LATEST.`,
      );
    }
    const published = publish(this.#services, this.#publisher, latest, input.Description);
    return presentVersion(this.#services.scope, published, { qualifiedArn: true });
  }

  list(input: In<"ListVersionsByFunction">): Out<"ListVersionsByFunction"> {
    const { store, scope } = this.#services;
    const { name } = parseFunctionName(scope, input.FunctionName);
    findFunction(this.#services, name);
    const page = pageOf(store.listVersions(name), (record) => record.version, input.Marker, input.MaxItems);
    return {
      Versions: page.items.map((record) => presentListedVersion(scope, record, { qualifiedArn: true })),
      ...(page.nextMarker === undefined ? {} : { NextMarker: page.nextMarker }),
    };
  }
}

/**
 * A new version of what `$LATEST` is, or the last one where nothing has changed since. With SnapStart it is Pending until its
 * snapshot is there; a version whose Init failed is never taken for the last one, so that publishing again tries again.
 */
export function publish(
  services: Needs,
  publisher: Publisher,
  latest: VersionRecord,
  description: string | undefined,
): VersionRecord {
  const { store, clock, random } = services;
  const result = store.transaction(() => {
    const owner = findFunction(services, latest.functionName);
    const last = store.getVersion(owner.name, String(owner.lastVersion));
    if (
      last !== null &&
      last.state !== "Failed" &&
      last.regenerationFailure === null &&
      contentOf(last) === contentOf(latest)
    )
      return { record: last, isNew: false };
    if (latest.config.snapStartApplyOn === "PublishedVersions") publisher.admit();
    const record: VersionRecord = {
      ...latest,
      ...CREATING_STATE,
      version: String(owner.lastVersion + 1),
      config: { ...latest.config, description: description ?? latest.config.description },
      lastModifiedMs: clock.nowMs(),
      revisionId: random.uuid(),
      snapshotId: null,
      isRegenerating: false,
      snapshotFacts: null,
      regenerationFailure: null,
    };
    store.putFunction({ ...owner, lastVersion: owner.lastVersion + 1 });
    store.putVersion(record);
    return { record, isNew: true };
  });
  if (result.isNew) publisher.begin(result.record);
  return result.record;
}

function contentOf(record: VersionRecord): string {
  const { description: _, ...rest } = record.config;
  // No environment and an empty one are the same to a function.
  const config = { ...rest, environment: rest.environment ?? {} };
  return createHash("sha256")
    .update(JSON.stringify([record.code.codeSha256, Object.entries(config).sort(([a], [b]) => (a < b ? -1 : 1))]))
    .digest("hex");
}
