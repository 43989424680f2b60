/** PublishVersion and ListVersionsByFunction. */
import { createHash } from "node:crypto";
import { invalidParameter } from "../../model/api-error.ts";
import { parseFunctionName } from "../../model/function-name.ts";
import {
  ACTIVE_STATE,
  failedState,
  freshVersion,
  installingState,
  isInstalling,
  LATEST,
  type StateFields,
  type VersionRecord,
} from "../../model/function-record.ts";
import type { Write } from "../../ports/metadata-store.ts";
import {
  checkNotFailed,
  checkRevision,
  checkSettled,
  findFunction,
  findLatest,
  nameForChange,
} from "../records/lookup.ts";
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
    const published = await publish(
      this.#services,
      this.#publisher,
      { name, description: input.Description, isPendingFirst: false },
      async () => {
        const latest = await findLatest(this.#services, name);
        checkSettled(this.#services, latest);
        checkNotFailed(latest);
        checkRevision(input.RevisionId, latest.revisionId);
        if (input.CodeSha256 !== undefined && input.CodeSha256 !== latest.code.codeSha256) {
          throw invalidParameter(
            `CodeSHA256 (${input.CodeSha256}) is different from current CodeSHA256 in $LATEST (${latest.code.codeSha256}). Please try again with the CodeSHA256 in $LATEST.`,
          );
        }
        return { content: latest, expected: [{ op: "expect", kind: "version", record: latest }] };
      },
    );
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

export interface PublishWish {
  readonly name: string;
  /** Absent: the version takes the description of `$LATEST`. */
  readonly description?: string | undefined;
  /** False where it is Active at once if it has no snapshot; AWS shows one that `Publish` made as Pending first. */
  readonly isPendingFirst: boolean;
}

/**
 * Makes a new version, or returns the last one where nothing has changed since. With SnapStart it is Pending until its
 * snapshot is there. A version whose Init failed is never taken for the last one, so that publishing again tries again.
 * Its number is taken by a write of the function's record, so that no two versions get the same one, and none is made
 * of a function that is being deleted. `$LATEST` gets a new RevisionId, as on AWS (recorded
 * …TestLambdaRevisions.test_function_revisions_version_and_alias).
 */
export async function publish(
  services: Needs,
  publisher: Publisher,
  wish: PublishWish,
  readContent: () => Promise<Content>,
): Promise<VersionRecord> {
  const { store, changes } = services;
  const { name } = wish;
  // The place is held until the version is in the queue itself: others are counted with it.
  const place = publisher.place();
  try {
    const { record, isNew } = await changes.decide(name, async () => {
      const { content, expected } = await readContent();
      const owner = await findFunction(services, name);
      const last = await store.getVersion(name, String(owner.lastVersion));
      if (last !== null && isUsable(last) && isPublishedAs(last, content))
        return { writes: [], result: { record: last, isNew: false } };
      if (content.config.snapStartApplyOn === "PublishedVersions") place.admit();
      const version = newVersion(services, content, owner.lastVersion + 1, wish);
      const grown = { ...owner, lastVersion: owner.lastVersion + 1 };
      return {
        writes: [
          ...expected,
          { op: "put", kind: "function", record: grown, over: owner },
          { op: "put", kind: "version", record: version, over: null },
          ...(await revisedLatest(services, name)),
        ],
        result: { record: version, isNew: true },
      };
    });
    // One that is Active has nothing to be waited for, but its use is to be noted.
    if (isNew && record.state !== "Failed") publisher.begin(record);
    return record;
  } finally {
    place.leave();
  }
}

/**
 * The write that gives `$LATEST` a new RevisionId. None where there is no function, or where it is being changed: the
 * end of that change knows it by its RevisionId, and gives it a new one.
 */
export async function revisedLatest(
  { store, random }: Pick<Needs, "store" | "random">,
  name: string,
): Promise<readonly Write[]> {
  const latest = await store.getVersion(name, LATEST);
  if (latest === null || latest.state === "Pending" || latest.lastUpdateStatus === "InProgress") return [];
  return [{ op: "put", kind: "version", record: { ...latest, revisionId: random.uuid() }, over: latest }];
}

function newVersion(
  { clock, random }: Pick<Needs, "clock" | "random">,
  content: VersionRecord,
  number: number,
  { description, isPendingFirst }: PublishWish,
): VersionRecord {
  const { functionName, code, config } = content;
  const fresh = freshVersion({
    functionName,
    version: String(number),
    code,
    config: { ...config, description: description ?? config.description },
    lastModifiedMs: clock.nowMs(),
    revisionId: random.uuid(),
  });
  return { ...fresh, ...firstState(content, isPendingFirst), publishedFrom: contentOf(content, true) };
}

/** A version of a function that can't run is Failed from the first, as the function is; or waits as the function. */
function firstState(content: VersionRecord, isPendingFirst: boolean): Partial<StateFields> {
  if (content.state === "Failed") return failedState(content.stateReason ?? "", content.stateReasonCode ?? "");
  if (isInstalling(content)) return installingState({ config: content.config, lastUpdateStatus: null });
  return content.config.snapStartApplyOn === "None" && !isPendingFirst ? ACTIVE_STATE : {};
}

function isUsable(last: VersionRecord): boolean {
  return last.state !== "Failed" && last.regenerationFailure === null;
}

function isPublishedAs(last: VersionRecord, content: VersionRecord): boolean {
  return last.publishedFrom === undefined
    ? contentOf(last, false) === contentOf(content, false)
    : last.publishedFrom === contentOf(content, true);
}

function contentOf(record: VersionRecord, withDescription: boolean): string {
  const { description, ...rest } = record.config;
  // No environment and an empty one are the same to a function.
  const config = { ...rest, ...(withDescription ? { description } : {}), environment: rest.environment ?? {} };
  return createHash("sha256")
    .update(JSON.stringify([record.code.codeSha256, Object.entries(config).sort(([a], [b]) => (a < b ? -1 : 1))]))
    .digest("hex");
}
