/** The control plane: all operations, and what runs behind them. */
import type { OperationName, OperationTypes } from "@thaw/aws-api";
import { getAccountSettings } from "./concurrency/account.ts";
import { AliasOperations } from "./functions/aliases.ts";
import { CheckOperation } from "./check/check.ts";
import { Concurrency } from "./concurrency/concurrency.ts";
import { EventQueue } from "./invoke/event-queue.ts";
import { FunctionOperations } from "./functions/functions.ts";
import { InvokeOperation } from "./invoke/invoke.ts";
import { listAllVersions } from "./records/lookup.ts";
import { ProvisionedConcurrency } from "./concurrency/provisioned-concurrency.ts";
import { Publisher } from "./snapshots/publisher.ts";
import type { ControlServices } from "./services.ts";
import { SnapshotLife } from "./snapshots/snapshot-life.ts";
import { SnapshotStatus } from "./snapshots/snapshot-status.ts";
import { TagOperations } from "./functions/tags.ts";
import { VersionOperations } from "./functions/versions.ts";
import { VersionUses } from "./snapshots/version-uses.ts";

type Handler = (input: never) => unknown;

export interface ControlPlane {
  /** By operation, all but Invoke; what is not in it is not there yet. */
  readonly operations: Readonly<Partial<Record<OperationName, Handler>>>;
  readonly invoke: InvokeOperation;
  readonly services: ControlServices;
  readonly snapshots: SnapshotStatus;
  readonly provisioned: ProvisionedConcurrency;
  readonly checks: CheckOperation;
  /** After the start: takes up what the last run left unfinished. */
  recover(): Promise<void>;
  close(): Promise<void>;
}

export function createControlPlane(services: ControlServices): ControlPlane {
  const uses = new VersionUses(services);
  const publisher = new Publisher(services, uses);
  const events = new EventQueue(services);
  const concurrency = new Concurrency(services);
  const provisioned = new ProvisionedConcurrency(services, concurrency);
  const functions = new FunctionOperations(services, publisher);
  const life = new SnapshotLife(services, publisher, uses, () => {
    functions.settleAll();
    provisioned.apply();
  });
  const invoke = new InvokeOperation(services, publisher, events, uses, concurrency);
  return {
    operations: listOperations({
      services,
      functions,
      versions: new VersionOperations(services, publisher),
      concurrency,
      provisioned,
    }),
    invoke,
    services,
    snapshots: new SnapshotStatus(services, publisher, uses),
    provisioned,
    checks: new CheckOperation(services, invoke),
    async recover() {
      await services.code.sweep(usedCode(services));
      await life.start();
      events.start((event) => invoke.runAccepted(event));
    },
    async close() {
      await Promise.all([life.close(), publisher.close(), events.close()]);
    },
  };
}

interface Families {
  readonly services: ControlServices;
  readonly functions: FunctionOperations;
  readonly versions: VersionOperations;
  readonly concurrency: Concurrency;
  readonly provisioned: ProvisionedConcurrency;
}

function listOperations(families: Families): Partial<Record<OperationName, Handler>> {
  const { services, functions, versions, concurrency, provisioned } = families;
  const aliases = new AliasOperations(services);
  const tags = new TagOperations(services);
  return {
    CreateFunction: functions.create.bind(functions),
    GetFunction: functions.get.bind(functions),
    GetFunctionConfiguration: functions.getConfiguration.bind(functions),
    ListFunctions: functions.list.bind(functions),
    UpdateFunctionCode: functions.updateCode.bind(functions),
    UpdateFunctionConfiguration: functions.updateConfiguration.bind(functions),
    DeleteFunction: async (input: OperationTypes["DeleteFunction"]["input"]) => {
      const done = await functions.remove(input);
      provisioned.apply();
      return done;
    },
    PublishVersion: versions.publish.bind(versions),
    ListVersionsByFunction: versions.list.bind(versions),
    CreateAlias: aliases.create.bind(aliases),
    GetAlias: aliases.get.bind(aliases),
    ListAliases: aliases.list.bind(aliases),
    UpdateAlias: (input: OperationTypes["UpdateAlias"]["input"]) => {
      provisioned.checkAlias(input);
      const done = aliases.update(input);
      provisioned.apply();
      return done;
    },
    DeleteAlias: (input: OperationTypes["DeleteAlias"]["input"]) => {
      const done = aliases.remove(input);
      provisioned.apply();
      return done;
    },
    TagResource: tags.tag.bind(tags),
    UntagResource: tags.untag.bind(tags),
    ListTags: tags.list.bind(tags),
    PutProvisionedConcurrencyConfig: provisioned.put.bind(provisioned),
    GetProvisionedConcurrencyConfig: provisioned.get.bind(provisioned),
    ListProvisionedConcurrencyConfigs: provisioned.list.bind(provisioned),
    DeleteProvisionedConcurrencyConfig: provisioned.remove.bind(provisioned),
    PutFunctionConcurrency: concurrency.put.bind(concurrency),
    GetFunctionConcurrency: concurrency.get.bind(concurrency),
    DeleteFunctionConcurrency: concurrency.remove.bind(concurrency),
    GetAccountSettings: () => getAccountSettings(services, concurrency),
  };
}

function usedCode(services: ControlServices): ReadonlySet<string> {
  return new Set(listAllVersions(services).map((version) => version.code.codeName));
}
