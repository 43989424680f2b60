/** The control plane: all operations, and what runs behind them. */
import type { OperationName } from "@thaw/lambda-api";
import { getAccountSettings } from "./account.ts";
import { AliasOperations } from "./aliases.ts";
import { Concurrency } from "./concurrency.ts";
import { EventQueue } from "./event-queue.ts";
import { FunctionOperations } from "./functions.ts";
import { InvokeOperation } from "./invoke.ts";
import { findVersion } from "./lookup.ts";
import { Publisher } from "./publisher.ts";
import type { ControlServices } from "./services.ts";
import { SnapshotLife } from "./snapshot-life.ts";
import { SnapshotStatus } from "./snapshot-status.ts";
import { TagOperations } from "./tags.ts";
import { VersionOperations } from "./versions.ts";
import { VersionUses } from "./version-uses.ts";

type Handler = (input: never) => unknown;

export interface ControlPlane {
  /** By operation, all but Invoke; what is not in it is not there yet. */
  readonly operations: Readonly<Partial<Record<OperationName, Handler>>>;
  readonly invoke: InvokeOperation;
  readonly services: ControlServices;
  readonly snapshots: SnapshotStatus;
  /** After the start: takes up what the last run left unfinished. */
  recover(): Promise<void>;
  close(): Promise<void>;
}

export function createControlPlane(services: ControlServices): ControlPlane {
  const uses = new VersionUses(services);
  const publisher = new Publisher(services, uses);
  const concurrency = new Concurrency(services);
  const events = new EventQueue(services);
  const functions = new FunctionOperations(services, publisher);
  const life = new SnapshotLife(services, publisher, uses, () => functions.settleAll());
  const versions = new VersionOperations(services, publisher);
  const aliases = new AliasOperations(services);
  const tags = new TagOperations(services);
  const invoke = new InvokeOperation(services, publisher, events, uses, concurrency);
  const operations: Partial<Record<OperationName, Handler>> = {
    CreateFunction: functions.create.bind(functions),
    GetFunction: functions.get.bind(functions),
    GetFunctionConfiguration: functions.getConfiguration.bind(functions),
    ListFunctions: functions.list.bind(functions),
    UpdateFunctionCode: functions.updateCode.bind(functions),
    UpdateFunctionConfiguration: functions.updateConfiguration.bind(functions),
    DeleteFunction: functions.remove.bind(functions),
    PublishVersion: versions.publish.bind(versions),
    ListVersionsByFunction: versions.list.bind(versions),
    CreateAlias: aliases.create.bind(aliases),
    GetAlias: aliases.get.bind(aliases),
    ListAliases: aliases.list.bind(aliases),
    UpdateAlias: aliases.update.bind(aliases),
    DeleteAlias: aliases.remove.bind(aliases),
    TagResource: tags.tag.bind(tags),
    UntagResource: tags.untag.bind(tags),
    ListTags: tags.list.bind(tags),
    PutFunctionConcurrency: concurrency.put.bind(concurrency),
    GetFunctionConcurrency: concurrency.get.bind(concurrency),
    DeleteFunctionConcurrency: concurrency.remove.bind(concurrency),
    GetAccountSettings: () => getAccountSettings(services, concurrency),
  };
  return {
    operations,
    invoke,
    services,
    snapshots: new SnapshotStatus(services, publisher, uses),
    async recover() {
      functions.settleAll();
      await services.code.sweep(usedCode(services));
      await life.start();
      events.start(async (event) => {
        const found = findVersion(services, event.functionName, event.qualifier ?? undefined);
        invoke.checkInvocable(found.version);
        const context = event.clientContext === null ? {} : { ClientContext: event.clientContext };
        return invoke.run(found, { FunctionName: event.functionName, payload: event.payload, requestId: event.requestId, traceId: null, ...context });
      });
    },
    async close() {
      await Promise.all([life.close(), publisher.close(), events.close()]);
    },
  };
}

function usedCode(services: ControlServices): ReadonlySet<string> {
  const used = new Set<string>();
  for (const { name } of services.store.listFunctions()) for (const version of services.store.listVersions(name)) used.add(version.code.codeName);
  return used;
}
