/** CreateFunction, the Get and List operations, both updates, DeleteFunction. */
import { ApiError, conflict, invalidParameter, notFound } from "../../model/api-error.ts";
import type { CodeInfo } from "../../model/code-info.ts";
import { changeConfig, type ConfigRules, createConfig } from "../../model/function-config.ts";
import { functionArn, parseFunctionName } from "../../model/function-name.ts";
import {
  ACTIVE_STATE,
  freshVersion,
  type FunctionConfig,
  type FunctionRecord,
  isImage,
  isInstalling,
  LATEST,
  type StateFields,
  UPDATING_STATE,
  type VersionRecord,
} from "../../model/function-record.ts";
import { ThawError } from "../../model/platform-errors.ts";
import type { Decision } from "../records/changes.ts";
import { fetchCode, fetchImage, type PackageSource } from "../records/fetch-code.ts";
import { FunctionLayers } from "../records/function-layers.ts";
import { settingsOf, urlEntriesOf } from "../records/kept-with.ts";
import { toRunnableVersion } from "../records/runnable-version.ts";
import {
  checkRevision,
  checkSettled,
  findFunction,
  findLatest,
  findVersion,
  nameForChange,
} from "../records/lookup.ts";
import { checkDeadLetterTarget } from "../records/destination-check.ts";
import { isVersionPlace, placeOfVersion, readPage, type VersionPlace } from "../records/pages.ts";
import { presentCode, presentListedVersion, presentVersion } from "../records/present.ts";
import { isHealed, RuntimeWaits, runtimeFailure, settledState } from "../records/runtime-state.ts";
import { stateChange } from "../records/state-change.ts";
import type { Publisher } from "../snapshots/publisher.ts";
import { checkTags } from "../records/tag-check.ts";
import type { CodeStore } from "../../ports/code-store.ts";
import type { In, OperationsOf, Out } from "../operations.ts";
import type { ControlParts } from "../services.ts";
import { checkSigning, signingOfNewFunction } from "./code-signing.ts";
import { publish } from "./versions.ts";

type Needs = Pick<
  ControlParts,
  | "scope"
  | "parity"
  | "store"
  | "uids"
  | "sharedLayer"
  | "destinations"
  | "changes"
  | "code"
  | "objects"
  | "images"
  | "worker"
  | "clock"
  | "random"
  | "accessPoints"
  | "limits"
  | "onProblem"
>;

type FunctionOperations = OperationsOf<
  | "CreateFunction"
  | "GetFunction"
  | "GetFunctionConfiguration"
  | "ListFunctions"
  | "UpdateFunctionCode"
  | "UpdateFunctionConfiguration"
  | "DeleteFunction"
>;

const NAME_LENGTH_MAX = 64;

/** Operations that name code in a row hold it from the moment at which they bring or find it. */
export function functionOperations(functions: Functions, { hold }: Pick<CodeStore, "hold">): FunctionOperations {
  return {
    CreateFunction: (input) => hold(() => functions.create(input)),
    GetFunction: (input) => functions.get(input),
    GetFunctionConfiguration: (input) => functions.getConfiguration(input),
    ListFunctions: (input) => functions.list(input),
    UpdateFunctionCode: (input) => hold(() => functions.updateCode(input)),
    UpdateFunctionConfiguration: (input) => hold(() => functions.updateConfiguration(input)),
    DeleteFunction: (input) => functions.remove(input),
  };
}

class NoUserLeftError extends ThawError<"STORE_NO_USER_LEFT"> {}

export class Functions {
  readonly #services: Needs;
  readonly #publisher: Publisher;
  readonly #layers: FunctionLayers;
  readonly #runtimeWaits: RuntimeWaits;
  #isClosing = false;

  constructor(services: Needs, publisher: Publisher) {
    this.#services = services;
    this.#publisher = publisher;
    this.#layers = new FunctionLayers(services);
    this.#runtimeWaits = new RuntimeWaits(services);
  }

  /** What is being created or updated is settled by the next start. */
  close(): void {
    this.#isClosing = true;
    this.#runtimeWaits.close();
  }

  async create(input: In<"CreateFunction">): Promise<Out<"CreateFunction">> {
    const { scope, store, changes, clock, random } = this.#services;
    const name = this.#nameForCreate(input.FunctionName);
    if (name.length > NAME_LENGTH_MAX) {
      throw invalidParameter(
        `1 validation error detected: Value '${name}' at 'functionName' failed to satisfy constraint: Member must have length less than or equal to ${NAME_LENGTH_MAX}`,
      );
    }
    const refuseExisting = async (): Promise<void> => {
      if ((await store.getFunction(name)) !== null) throw conflict(`Function already exist: ${name}`);
    };
    await refuseExisting();
    await this.#checkDeadLetters(input.DeadLetterConfig?.TargetArn);
    const config = createConfig(name, input, await this.#rulesFor(input.Layers));
    const tags = checkTags({}, input.Tags ?? {});
    const signing = await signingOfNewFunction(this.#services, name, input.CodeSigningConfigArn);
    const code = await this.#fetch(config, input.Code);
    await this.#layers.prepare(config, code);
    const record = freshVersion({
      functionName: name,
      version: LATEST,
      config,
      code,
      lastModifiedMs: clock.nowMs(),
      revisionId: random.uuid(),
    });
    const owner: FunctionRecord = {
      name,
      uid: await this.#freeUid(),
      lastVersion: 0,
      tags,
      reservedConcurrency: null,
    };
    await changes.decide(name, async () => {
      await refuseExisting();
      return {
        writes: [
          { op: "put", kind: "function", record: owner, over: null },
          { op: "put", kind: "version", record, over: null },
          ...signing,
        ],
        result: undefined,
      };
    });
    if (input.Publish !== true) {
      void this.#settle(record);
      return presentVersion(scope, record, { qualifiedArn: false });
    }
    // AWS shows the version that it published under the function's own ARN.
    return presentVersion(scope, await this.#publishOwn(record, owner), { qualifiedArn: false });
  }

  /** Throws where functions, and environments of deleted ones that still run, have all users of this host. */
  async #freeUid(): Promise<number> {
    const { uids, worker } = this.#services;
    const uid = await uids.next(await worker.uidsInUse());
    if (uid === null) throw new NoUserLeftError("STORE_NO_USER_LEFT", {});
    return uid;
  }

  async get(input: In<"GetFunction">): Promise<Out<"GetFunction">> {
    const { scope } = this.#services;
    const { owner, version, qualifier } = await findVersion(this.#services, input.FunctionName, input.Qualifier);
    const tags = Object.keys(owner.tags).length === 0 ? {} : { Tags: owner.tags };
    return {
      Configuration: presentVersion(scope, version, {
        qualifiedArn: qualifier !== null && qualifier !== LATEST ? version.version !== LATEST : qualifier === LATEST,
      }),
      Code: presentCode(version.code),
      ...tags,
      ...(owner.reservedConcurrency === null
        ? {}
        : { Concurrency: { ReservedConcurrentExecutions: owner.reservedConcurrency } }),
    };
  }

  async getConfiguration(input: In<"GetFunctionConfiguration">): Promise<Out<"GetFunctionConfiguration">> {
    const { version, qualifier } = await findVersion(this.#services, input.FunctionName, input.Qualifier);
    return presentVersion(this.#services.scope, version, { qualifiedArn: qualifier !== null });
  }

  async list(input: In<"ListFunctions">): Promise<Out<"ListFunctions">> {
    const { store, scope } = this.#services;
    const isAll = input.FunctionVersion === "ALL";
    const paged = {
      list: `functions ${input.FunctionVersion ?? ""}`,
      read: async (place: VersionPlace | null, countMax: number) => {
        const after = place && { functionName: place[0], number: place[1] };
        return store.listVersionsAfter({ after, isLatestOnly: !isAll, countMax });
      },
      placeOf: (record: VersionRecord): VersionPlace => [record.functionName, placeOfVersion(record)],
      isPlace: isVersionPlace,
    };
    const page = await readPage(paged, input);
    return {
      Functions: page.items.map((record) => presentListedVersion(scope, record, { qualifiedArn: isAll })),
      ...(page.nextMarker === undefined ? {} : { NextMarker: page.nextMarker }),
    };
  }

  async updateCode(input: In<"UpdateFunctionCode">): Promise<Out<"UpdateFunctionCode">> {
    const { scope } = this.#services;
    const name = nameForChange(this.#services, input.FunctionName);
    const before = await findLatest(this.#services, name);
    checkPackageType(before.config, input);
    checkSettled(this.#services, before);
    checkRevision(input.RevisionId, before.revisionId);
    if (input.Architectures !== undefined && input.Architectures[0] !== "x86_64")
      throw invalidParameter(`The architecture ${input.Architectures[0]} can't be run on this host, which is x86_64.`);
    await checkSigning(this.#services.store, name);
    const code = await this.#fetch(before.config, input);
    await this.#layers.checkSize(before.config, code);
    if (input.DryRun === true) return presentVersion(scope, { ...before, code }, { qualifiedArn: false });
    const { updated, owner } = await this.#updateLatest(name, input.RevisionId, async (latest) => {
      // Another function may have got the name.
      checkPackageType(latest.config, input);
      await this.#layers.checkSize(latest.config, code);
      return { ...latest, code };
    });
    if (input.Publish !== true) return presentVersion(scope, updated, { qualifiedArn: false });
    return presentVersion(scope, await this.#publishOwn(updated, owner), { qualifiedArn: true });
  }

  async updateConfiguration(input: In<"UpdateFunctionConfiguration">): Promise<Out<"UpdateFunctionConfiguration">> {
    const name = nameForChange(this.#services, input.FunctionName);
    await this.#checkDeadLetters(input.DeadLetterConfig?.TargetArn);
    const { updated } = await this.#updateLatest(name, input.RevisionId, async (latest) => {
      const rules = await this.#rulesFor(input.Layers);
      const config = changeConfig(latest.config, input, rules);
      if (input.Layers !== undefined) await this.#layers.prepare(config, latest.code);
      return { ...latest, config };
    });
    return presentVersion(this.#services.scope, updated, { qualifiedArn: false });
  }

  /** The function with all of it, or one version. */
  async remove(input: In<"DeleteFunction">): Promise<Out<"DeleteFunction">> {
    const { scope, worker } = this.#services;
    const { name, qualifier } = parseFunctionName(scope, input.FunctionName, input.Qualifier);
    // AWS's order: what can't be deleted is refused before the function is looked for.
    if (qualifier !== null) checkDeletable(qualifier);
    await findFunction(this.#services, name);
    if (qualifier === null) {
      const versions = await this.#removeFunction(name);
      for (const version of versions) this.#publisher.forget(version);
      await worker.stopEnvironments({ functionName: name });
      // The log group stays, as on AWS: it has a life of its own.
      return { StatusCode: 204 };
    }
    await this.#removeVersion(name, qualifier);
    await worker.stopEnvironments({ functionName: name, version: qualifier });
    return { StatusCode: 204 };
  }

  /**
   * Finishes what was being created or updated when the last process ended, or when the store failed; and what failed
   * because its runtime was not installed, where it is by now.
   *
   * @param versions - All of the store. One that has changed since is left as it is.
   */
  async settleAll(versions: readonly VersionRecord[]): Promise<void> {
    for (const record of versions) {
      if (record.version !== LATEST || this.#runtimeWaits.has(record)) continue;
      const isOpen = record.state === "Pending" || record.lastUpdateStatus === "InProgress";
      if (isOpen || (await isHealed(this.#services.worker, record))) await this.#activate(record);
    }
  }

  /** The package or the image that a request brings. */
  #fetch(config: FunctionConfig, from: PackageSource & { readonly ImageUri?: string }): Promise<CodeInfo> {
    return isImage(config) && from.ImageUri !== undefined
      ? fetchImage(this.#services, from.ImageUri)
      : fetchCode(this.#services, from);
  }

  async #checkDeadLetters(arn: string | undefined): Promise<void> {
    if (arn !== undefined && arn !== "") await checkDeadLetterTarget(this.#services, arn);
  }

  async #rulesFor(layerArns: readonly string[] | undefined): Promise<ConfigRules> {
    const { parity, accessPoints } = this.#services;
    return {
      parity,
      accessPoints,
      layers: layerArns === undefined ? null : await this.#layers.find(layerArns),
    };
  }

  /** AWS's refusal of another account has no text here (recorded …TestLambdaFunction.test_function_arns). */
  #nameForCreate(text: string): string {
    try {
      return parseFunctionName(this.#services.scope, text).name;
    } catch (error) {
      if (error instanceof ApiError && error.name === "AccessDeniedException") throw new ApiError(error.name, "");
      throw error;
    }
  }

  /**
   * Each version is named in the write: what has become of one since it was listed (a snapshot, say) is not forgotten.
   */
  #removeFunction(name: string): Promise<readonly VersionRecord[]> {
    const { store, changes } = this.#services;
    return changes.decide(name, async () => {
      const owner = await findFunction(this.#services, name);
      const versions = await store.listVersions(name);
      const removed = versions.map((record) => ({ op: "remove", kind: "version", record }) as const);
      const urls = await urlEntriesOf(store, name);
      return { writes: [...urls, ...removed, { op: "remove", kind: "function", record: owner }], result: versions };
    });
  }

  async #removeVersion(name: string, qualifier: string): Promise<void> {
    const removed = await this.#services.changes.decide(name, () => this.#decideRemoval(name, qualifier));
    if (removed !== null) this.#publisher.forget(removed);
  }

  async #decideRemoval(name: string, qualifier: string): Promise<Decision<VersionRecord | null>> {
    const { store, scope } = this.#services;
    const owner = await store.getFunction(name);
    const record = await store.getVersion(name, qualifier);
    if (owner === null || record === null) return { writes: [], result: null };
    const users = (await store.listAliases(name)).filter(
      (alias) => alias.functionVersion === qualifier || Object.hasOwn(alias.weights, qualifier),
    );
    if (users.length > 0) {
      throw conflict(
        `Version cannot be deleted since it is being used by alias(es): [${users.map((alias) => alias.name).join(", ")}] of function ${functionArn(scope, name)}`,
      );
    }
    return {
      writes: [
        { op: "touchFunction", record: owner },
        { op: "remove", kind: "version", record },
        ...(await settingsOf(store, name, qualifier)),
      ],
      result: record,
    };
  }

  async #updateLatest(
    name: string,
    revisionId: string | undefined,
    change: (latest: VersionRecord) => Promise<VersionRecord>,
  ): Promise<{ readonly updated: VersionRecord; readonly owner: FunctionRecord }> {
    const { store, changes, clock, random, scope } = this.#services;
    const done = await changes.decide(name, async () => {
      const owner = await findFunction(this.#services, name);
      const latest = await store.getVersion(name, LATEST);
      if (latest === null) throw notFound(`Function not found: ${functionArn(scope, name)}`);
      checkSettled(this.#services, latest);
      checkRevision(revisionId, latest.revisionId);
      const updated: VersionRecord = {
        ...(await change(latest)),
        ...UPDATING_STATE,
        lastModifiedMs: clock.nowMs(),
        revisionId: random.uuid(),
      };
      return {
        writes: [{ op: "put", kind: "version", record: updated, over: latest }],
        result: { updated, owner, latest },
      };
    });
    this.#endEnvironments(done.owner, done.latest, done.updated);
    void this.#settle(done.updated);
    return done;
  }

  /** Ends the environments of the function as it was before a change: no invoke finds them any more. */
  #endEnvironments(owner: FunctionRecord, before: VersionRecord, after: VersionRecord): void {
    const { scope, worker, onProblem } = this.#services;
    const { runKey } = toRunnableVersion(scope, owner, before);
    if (runKey === toRunnableVersion(scope, owner, after).runKey) return;
    worker
      .stopEnvironments({ runKey, whenIdle: true })
      .catch((error: unknown) => onProblem(`end the environments of ${before.functionName} as it was`, error));
  }

  /**
   * Publishes what this request itself has made of `$LATEST`, whatever others make of it meanwhile; but not in the name
   * of another function that has got the name since.
   */
  async #publishOwn(record: VersionRecord, { name, uid }: FunctionRecord): Promise<VersionRecord> {
    const content = (await this.#activate(record)) ?? record;
    return publish(this.#services, this.#publisher, { name, isPendingFirst: true }, async () => {
      const owner = await findFunction(this.#services, name);
      if (owner.uid !== uid) throw notFound(`Function not found: ${functionArn(this.#services.scope, name)}`);
      return { content, expected: [{ op: "expect", kind: "function", record: owner }] };
    });
  }

  /** The answer goes out with the state in between, as from AWS; nothing is left to do but to say so. */
  async #settle(record: VersionRecord): Promise<void> {
    const { clock, limits, onProblem } = this.#services;
    await stateChange(clock, limits.stateChangeMs);
    if (this.#isClosing) return;
    try {
      await this.#activate(record);
    } catch (error) {
      // A full disk, say. The function is settled by the next look at all of them.
      onProblem(`settle ${record.functionName}`, error);
    }
  }

  /** Null where the function has changed again, or has gone. Where its runtime is to be installed first, it waits. */
  async #activate(record: VersionRecord): Promise<VersionRecord | null> {
    const { worker } = this.#services;
    const settled = await this.#settleAs(record, (current) => settledState(worker, current));
    if (settled !== null && isInstalling(settled))
      this.#runtimeWaits.begin(settled, async (problem) => {
        await this.#settleAs(settled, async () => (problem === null ? ACTIVE_STATE : runtimeFailure(problem)));
      });
    return settled;
  }

  #settleAs(
    record: VersionRecord,
    stateOf: (current: VersionRecord) => Promise<StateFields>,
  ): Promise<VersionRecord | null> {
    const { store, changes, random } = this.#services;
    return changes.decide(record.functionName, async () => {
      const current = await store.getVersion(record.functionName, LATEST);
      if (current === null || current.revisionId !== record.revisionId) return { writes: [], result: null };
      const state = await stateOf(current);
      const settled: VersionRecord = { ...current, ...state, revisionId: random.uuid() };
      return { writes: [{ op: "put", kind: "version", record: settled, over: current }], result: settled };
    });
  }
}

/** Recorded …TestLambdaImages.test_lambda_zip_file_to_image, and the other way round. */
function checkPackageType(config: FunctionConfig, { ImageUri, ...packages }: In<"UpdateFunctionCode">): void {
  const hasPackage = [packages.ZipFile, packages.S3Bucket, packages.S3Key].some((each) => each !== undefined);
  if (isImage(config) && (ImageUri === undefined || hasPackage))
    throw invalidParameter("Please provide ImageUri when updating a function with packageType Image.");
  if (!isImage(config) && ImageUri !== undefined)
    throw invalidParameter("Please don't provide ImageUri when updating a function with packageType Zip.");
}

function checkDeletable(qualifier: string): void {
  if (qualifier === LATEST) throw invalidParameter("$LATEST version cannot be deleted without deleting the function.");
  if (!/^\d+$/.test(qualifier)) throw invalidParameter("Deletion of aliases is not currently supported.");
}
