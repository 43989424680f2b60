/**
 * The accounts and Regions of this installation: each has a control plane, a database, log groups and objects of its
 * own, over the one worker. docs/design/0019-accounts.md
 */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { AwsService } from "../aws/aws-service.ts";
import type { AwsServicesParts } from "../aws/create-services.ts";
import { type ControlPlane, createControlPlane } from "../control/control-plane.ts";
import { leavesContent, usedContent } from "../control/layers/content.ts";
import type { ControlServices } from "../control/services.ts";
import type { HostedKind, Scopes, ServedScope } from "../http/scopes.ts";
import { ApiError } from "../model/api-error.ts";
import { rootArn } from "../model/caller.ts";
import { type AccountScope, isSameScope } from "../model/function-name.ts";
import type { VersionRecord } from "../model/function-record.ts";
import { logGroupArn } from "../model/log-group.ts";
import { type ObjectDirectory, openObjectDirectory } from "../objects/object-directory.ts";
import type { AccountStores } from "../ports/account-stores.ts";
import type { Accounts } from "../ports/accounts.ts";
import type { InvocationHistories } from "../ports/invocation-history.ts";
import type { LogGroups } from "../ports/log-groups.ts";
import type { LogStore } from "../ports/log-store.ts";
import type { MetadataStore } from "../ports/metadata-store.ts";
import { NO_PASSED_SERVICES, type PassedServices } from "../ports/passed-services.ts";
import type { CodeDirectory } from "../store/code-directory.ts";
import type { ContentInUse } from "../store/content-holds.ts";
import type { SharedWorker } from "../worker/shared-worker.ts";
import { ContentSweeper } from "./content-sweeper.ts";
import { createScopeServices, type OwnServices, type ScopeServicesParts } from "./scope-services.ts";
import { createScopeS3 } from "./scope-s3.ts";
import type { ScopeStacks } from "./scope-stacks.ts";
import { shownName } from "./shown-name.ts";
import { HostedIds } from "./hosted-ids.ts";
import type { Metadata } from "./metadata.ts";
import { ACCOUNTS_DIRECTORY, homeTwice, placeOfScope } from "./scope-directories.ts";

/** Log groups that are removed in one go. */
const GROUPS_AT_ONCE = 50;

/** The services that all scopes have in common. */
type Common = Omit<
  ControlServices,
  | "scope"
  | "store"
  | "uids"
  | "sharedLayer"
  | "code"
  | "objects"
  | "logs"
  | "worker"
  | "history"
  | "readsOtherAccounts"
  | "passed"
>;

export interface ScopesOptions {
  readonly dataDir: string;
  /** Where the stores of all scopes are. */
  readonly metadata: Metadata;
  /** Of the objects of one scope. */
  readonly objectsBytesMax: number;
  readonly home: AccountScope;
  /** Regions in which there can be functions, the home's among them. */
  readonly regions: readonly string[];
  readonly accounts: Accounts;
  readonly common: Common;
  readonly code: CodeDirectory;
  readonly worker: SharedWorker;
  /** Groups are named by their ARNs: one store has those of all scopes. */
  readonly logs: LogStore & Pick<LogGroups, "listGroups" | "readEvents" | "removeGroup">;
  readonly histories: InvocationHistories;
  readonly createAwsServices: (
    scope: AccountScope,
    store: MetadataStore,
    parts: OwnServices & Pick<AwsServicesParts, "accountStores" | "keys">,
  ) => readonly AwsService[];
  /** Services that stacks of the home account pass through, with the operator's credentials. */
  readonly passed: PassedServices;
  /** Keys of what stacks are told and do not show, and what functions reach of this server. */
  readonly forStacks: Pick<ScopeServicesParts, "keys" | "secret" | "door" | "callsServices">;
}

interface Opened extends ServedScope {
  readonly scope: AccountScope;
  readonly store: MetadataStore;
  readonly objects: ObjectDirectory;
  readonly stacks: ScopeStacks;
}

export class InstalledScopes implements Scopes {
  readonly #options: ScopesOptions;
  #home: Opened | null = null;
  readonly #opened = new Map<string, Opened>();
  /** Scopes that are being opened: requests that come meanwhile wait for the same. */
  readonly #opening = new Map<string, Promise<Opened>>();
  readonly #hosted = new HostedIds();
  readonly #sweeper: ContentSweeper;
  /** Where services that send messages reach this server; null until it listens. */
  #address: string | null = null;
  #isClosing = false;

  private constructor(options: ScopesOptions) {
    this.#options = options;
    const { clock, limits, onProblem } = options.common;
    this.#sweeper = new ContentSweeper({
      clock,
      delayMs: limits.contentSweepMs,
      sweep: () => options.code.removeUnnamed(() => this.#contentInUse()),
      onProblem,
    });
  }

  /** Opens the stores of all scopes that there are. Throws where one can't be. */
  static async open(options: ScopesOptions): Promise<InstalledScopes> {
    const scopes = new InstalledScopes(options);
    try {
      scopes.#home = await scopes.#open(options.home);
      for (const scope of await options.metadata.listScopes()) {
        if (isSameScope(scope, options.home))
          throw homeTwice(join(options.dataDir, ACCOUNTS_DIRECTORY, scope.accountId, scope.region));
        await scopes.#open(scope);
      }
      return scopes;
    } catch (error) {
      await scopes.closeStores();
      throw error;
    }
  }

  get home(): ServedScope {
    return this.#homeScope();
  }

  get regions(): readonly string[] {
    return this.#options.regions;
  }

  hosting(kind: HostedKind, id: string): ServedScope | null {
    return this.#opened.get(this.#hosted.scopeOf(kind, id) ?? "") ?? null;
  }

  all(): readonly ServedScope[] {
    return [...this.#opened.values()];
  }

  async of(scope: AccountScope): Promise<ServedScope> {
    const key = keyOf(scope);
    const known = this.#opened.get(key);
    // One that is being opened is in both.
    if (known !== undefined && !this.#opening.has(key)) return known;
    const opening = this.#opening.get(key) ?? this.#begin({ accountId: scope.accountId, region: scope.region });
    this.#opening.set(key, opening);
    try {
      return await opening;
    } finally {
      this.#opening.delete(key);
    }
  }

  async find(scope: AccountScope): Promise<ServedScope | null> {
    return this.#opened.has(keyOf(scope)) ? this.of(scope) : null;
  }

  /** Takes up what the last run left unfinished. The rows of all scopes are known before anything is removed. */
  async recover(): Promise<void> {
    const { worker, code, accounts, common } = this.#options;
    const all = [...this.#opened.values()];
    const used = new Set<string>();
    let ofFirst: readonly VersionRecord[] | undefined;
    for (const { scope, store } of all) {
      await this.#hosted.load(keyOf(scope), store);
      const versions = await store.listAllVersions();
      ofFirst ??= versions;
      worker.noteNamed(
        scope,
        versions.flatMap(({ snapshotId }) => snapshotId ?? []),
      );
      for (const name of await usedContent({ store }, versions)) used.add(name);
      if (!accounts.has(scope.accountId))
        common.onProblem(
          `open ${placeOfScope(this.#options, scope)}`,
          new Error(`there is no account ${scope.accountId}; add it again, or its functions stay without a key`),
        );
    }
    await code.sweep(async () => used);
    code.onBrought(() => this.#sweeper.due());
    for (const { control } of all) {
      // What the first one begins may change rows of the others: theirs are read again.
      await control.recover(ofFirst);
      ofFirst = undefined;
    }
    for (const { stacks } of all) await stacks.recover();
  }

  /** Hears that the server listens, and at which address other services reach it. */
  listening(address: string): void {
    this.#address = address;
    for (const { control } of this.#opened.values()) control.topics.listening(address);
  }

  async remove(accountId: string): Promise<void> {
    if (accountId === this.#options.home.accountId) return;
    // The account has gone: none begins to be opened any more.
    await Promise.allSettled(this.#opening.values());
    for (const { scope } of [...this.#opened.values()].filter((each) => each.scope.accountId === accountId)) {
      const { control, store, objects, stacks } = (await this.of(scope)) as Opened;
      this.#opened.delete(keyOf(scope));
      this.#hosted.forget(keyOf(scope));
      await stacks.close();
      await control.close();
      await this.#removeLogs(scope);
      await objects.close();
      await store.close();
    }
    await this.#options.metadata.removeAccount(accountId);
    this.#sweeper.due();
    this.#options.histories.forget(accountId);
    rmSync(join(this.#options.dataDir, ACCOUNTS_DIRECTORY, accountId), { recursive: true, force: true });
  }

  async #removeLogs(scope: AccountScope): Promise<void> {
    const { logs } = this.#options;
    const wish = { arnPrefix: logGroupArn(scope, ""), part: "", after: "", countMax: GROUPS_AT_ONCE };
    for (let page = await logs.listGroups(wish); page.length > 0; page = await logs.listGroups(wish))
      for (const { arn } of page) await logs.removeGroup(arn);
  }

  /** Ends what runs behind the operations of all scopes. */
  async close(isHostLost: () => boolean): Promise<void> {
    this.#isClosing = true;
    await this.#sweeper.close();
    await Promise.allSettled(this.#opening.values());
    await Promise.all([...this.#opened.values()].map(({ stacks }) => stacks.close()));
    await Promise.all([...this.#opened.values()].map(({ control }) => control.close(isHostLost)));
  }

  async closeStores(): Promise<void> {
    const all = [...this.#opened.values()];
    await Promise.all(all.flatMap(({ store, objects }) => [store.close(), objects.close()]));
    await this.#options.metadata.close();
  }

  /** Throws where a scope can't be read: what its rows name can't be told then. */
  async #contentInUse(): Promise<ContentInUse> {
    const named = new Set<string>();
    for (const [key, { store }] of this.#opened) {
      try {
        for (const name of await usedContent({ store })) named.add(name);
      } catch (error) {
        // Its account is being removed, with all that it names.
        if (this.#opened.has(key)) throw error;
      }
    }
    return { named, run: await this.#options.worker.of(this.#options.home).contentInUse() };
  }

  async #begin(scope: AccountScope): Promise<Opened> {
    if (this.#isClosing) throw new Error("the server is stopping");
    // A request that was signed just before its account went.
    if (!this.#options.accounts.has(scope.accountId))
      throw new ApiError("AccessDeniedException", `There is no account ${scope.accountId}.`);
    const opened = await this.#open(scope);
    try {
      await this.#hosted.load(keyOf(scope), opened.store);
      await opened.control.recover();
      await opened.stacks.recover();
      return opened;
    } catch (error) {
      // The next request tries again.
      this.#opened.delete(keyOf(scope));
      this.#hosted.forget(keyOf(scope));
      await opened.stacks.close();
      await opened.control.close();
      await opened.objects.close();
      await opened.store.close();
      throw error;
    }
  }

  #homeScope(): Opened {
    if (this.#home === null) throw new Error("the scopes are not open yet");
    return this.#home;
  }

  async #open(scope: AccountScope): Promise<Opened> {
    const { common, worker, code, logs, histories, home } = this.#options;
    const directory = placeOfScope(this.#options, scope);
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const key = keyOf(scope);
    const store = await this.#options.metadata.open(scope, directory, (writes) => {
      this.#hosted.heard(key, writes);
      if (writes.some(leavesContent)) this.#sweeper.due();
    });
    const { clock, random, onProblem } = common;
    const bytesMax = this.#options.objectsBytesMax;
    const objects = openObjectDirectory({ dataDir: directory, scope, bytesMax, clock, random, onProblem });
    const control = createControlPlane({
      ...common,
      onAsync: (report) => common.onAsync({ ...report, functionName: shownName(home, scope, report.functionName) }),
      onEventSource: (report) =>
        common.onEventSource({ ...report, functionName: shownName(home, scope, report.functionName) }),
      scope,
      readsOtherAccounts: scope.accountId === home.accountId,
      store,
      uids: { next: (living) => this.#nextUid(living) },
      sharedLayer: (owner, name, version) => this.#sharedLayer(scope, owner, name, version),
      // Swept here, once, for all scopes.
      code: { ...(scope.accountId === home.accountId ? code : code.of(scope.accountId)), sweep: async () => undefined },
      objects,
      logs,
      worker: worker.of(scope),
      passed: this.#passedOf(scope),
      history: histories.of(scope),
    });
    if (this.#address !== null) control.topics.listening(this.#address);
    const s3 = createScopeS3({ objects, targets: control.bucketTargets, clock, random });
    const opened = {
      scope,
      store,
      objects,
      control,
      s3,
      ...this.#services({
        scope,
        store,
        operations: control.operations,
        buses: control.buses,
        schedules: control.schedules,
        testEvents: control.testEvents,
        topics: control.topics,
        s3,
      }),
    };
    this.#opened.set(keyOf(scope), opened);
    return opened;
  }

  #services(
    of: Pick<ScopeServicesParts, "buses" | "schedules" | "testEvents" | "operations" | "s3" | "topics"> &
      Pick<Opened, "scope" | "store">,
  ) {
    const { common, createAwsServices, forStacks } = this.#options;
    const { clock, random, onProblem } = common;
    const create: ScopeServicesParts["create"] = (parts) =>
      createAwsServices(of.scope, of.store, {
        ...parts,
        accountStores: this.#accountStores(of),
        keys: forStacks.keys,
      });
    const passed = this.#passedOf(of.scope);
    return createScopeServices({ ...of, ...forStacks, clock, random, onProblem, create, passed });
  }

  #passedOf({ accountId }: AccountScope): PassedServices {
    return accountId === this.#options.home.accountId ? this.#options.passed : NO_PASSED_SERVICES;
  }

  /** What an account has in all Regions alike is in its store of the installation's own Region. */
  #accountStores({ scope, store }: Pick<Opened, "scope" | "store">): AccountStores {
    const { region } = this.#options.home;
    const home = { accountId: scope.accountId, region };
    return {
      own: async () => (scope.region === region ? store : ((await this.of(home)) as Opened).store),
      find: async (other) => ((await this.find({ accountId: other, region })) as Opened | null)?.store ?? null,
    };
  }

  /** The home's counter goes round for all scopes: no two functions that are made at the same time get one user. */
  async #nextUid(living: ReadonlySet<number>): Promise<number | null> {
    const used = new Set(living);
    for (const { store } of this.#opened.values()) for (const uid of await store.listUids()) used.add(uid);
    return this.#homeScope().store.nextUid(used);
  }

  async #sharedLayer(
    { accountId }: AccountScope,
    owner: AccountScope,
    name: string,
    version: number,
  ): ReturnType<ControlServices["sharedLayer"]> {
    const access: ControlPlane["access"] | undefined = (await this.find(owner))?.control.access;
    return (await access?.sharedLayer(name, version, { accountId, principalArn: rootArn(accountId) })) ?? null;
  }
}

function keyOf({ accountId, region }: AccountScope): string {
  return `${accountId}/${region}`;
}
