/** PublishVersion and ListVersionsByFunction. */
import { createHash } from "node:crypto";
import { invalidParameter } from "../../model/api-error.ts";
import { parseFunctionName } from "../../model/function-name.ts";
import { freshVersion, type VersionRecord } from "../../model/function-record.ts";
import type { Write } from "../../ports/metadata-store.ts";
import { checkRevision, checkSettled, findFunction, findLatest, nameForChange } from "../records/lookup.ts";
import { pageOf, placeOfVersion } from "../records/pages.ts";
import { presentListedVersion, presentVersion } from "../records/present.ts";
import type { Publisher } from "../snapshots/publisher.ts";
import type { In, OperationsOf, Out } from "../operations.ts";
import type { ControlParts } from "../services.ts";

type Needs = Pick<ControlParts, "scope" | "store" | "changes" | "clock" | "random">;

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

  async publish(input: In<"PublishVersion">): Promise<Out<"PublishVersion">> {
    const name = nameForChange(this.#services, input.FunctionName);
    const published = await publish(this.#services, this.#publisher, name, input.Description, async () => {
      const latest = await findLatest(this.#services, name);
      checkSettled(this.#services, latest);
      checkRevision(input.RevisionId, latest.revisionId);
      if (input.CodeSha256 !== undefined && input.CodeSha256 !== latest.code.codeSha256) {
        throw invalidParameter(
          `CodeSHA256 (${input.CodeSha256}) is different from current CodeSHA256 in $LATEST (${latest.code.codeSha256}). Please try again with the CodeSHA256 in $LATEST.`,
        );
      }
      return { content: latest, expected: [{ op: "expect", kind: "version", record: latest }] };
    });
    return presentVersion(this.#services.scope, published, { qualifiedArn: true });
  }

  async list(input: In<"ListVersionsByFunction">): Promise<Out<"ListVersionsByFunction">> {
    const { store, scope } = this.#services;
    const { name } = parseFunctionName(scope, input.FunctionName);
    await findFunction(this.#services, name);
    const all = await store.listVersions(name);
    const page = pageOf({ list: `versions ${name}`, all, placeOf: (record) => [placeOfVersion(record)] }, input);
    return {
      Versions: page.items.map((record) => presentListedVersion(scope, record, { qualifiedArn: true })),
      ...(page.nextMarker === undefined ? {} : { NextMarker: page.nextMarker }),
    };
  }
}

/** Content of a version that is to be made, and the records that must be unchanged when it is. */
interface Content {
  readonly content: VersionRecord;
  readonly expected: readonly Write[];
}

/**
 * Makes a new version, or returns the last one where nothing has changed since. With SnapStart it is Pending until its
 * snapshot is there. A version whose Init failed is never taken for the last one, so that publishing again tries again.
 * Its number is taken by a write of the function's record, so that no two versions get the same one, and none is made
 * of a function that is being deleted.
 */
export async function publish(
  services: Needs,
  publisher: Publisher,
  name: string,
  description: string | undefined,
  readContent: () => Promise<Content>,
): Promise<VersionRecord> {
  const { store, changes, clock, random } = services;
  // The place is held until the version is in the queue itself: others are counted with it.
  const place = publisher.place();
  try {
    const { record, isNew } = await changes.decide(name, async () => {
      const { content, expected } = await readContent();
      const owner = await findFunction(services, name);
      const last = await store.getVersion(name, String(owner.lastVersion));
      if (last !== null && isUsable(last) && contentOf(last) === contentOf(content))
        return { writes: [], result: { record: last, isNew: false } };
      if (content.config.snapStartApplyOn === "PublishedVersions") place.admit();
      const version = newVersion(content, String(owner.lastVersion + 1), description, clock.nowMs(), random.uuid());
      const grown = { ...owner, lastVersion: owner.lastVersion + 1 };
      return {
        writes: [
          ...expected,
          { op: "put", kind: "function", record: grown, over: owner },
          { op: "put", kind: "version", record: version, over: null },
        ],
        result: { record: version, isNew: true },
      };
    });
    if (isNew) publisher.begin(record);
    return record;
  } finally {
    place.leave();
  }
}

function newVersion(
  content: VersionRecord,
  version: string,
  description: string | undefined,
  nowMs: number,
  revisionId: string,
): VersionRecord {
  const { functionName, code, config } = content;
  return freshVersion({
    functionName,
    version,
    code,
    config: { ...config, description: description ?? config.description },
    lastModifiedMs: nowMs,
    revisionId,
  });
}

function isUsable(last: VersionRecord): boolean {
  return last.state !== "Failed" && last.regenerationFailure === null;
}

function contentOf(record: VersionRecord): string {
  const { description: _, ...rest } = record.config;
  // No environment and an empty one are the same to a function.
  const config = { ...rest, environment: rest.environment ?? {} };
  return createHash("sha256")
    .update(JSON.stringify([record.code.codeSha256, Object.entries(config).sort(([a], [b]) => (a < b ? -1 : 1))]))
    .digest("hex");
}
