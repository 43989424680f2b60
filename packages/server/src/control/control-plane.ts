/** The control plane: all operations, and what runs behind them. */
import { getAccountSettings } from "./concurrency/account.ts";
import { createOperatorFaces, type OperatorFaces } from "./operator/faces.ts";
import { absentOperations } from "./functions/absent.ts";
import { aliasOperations } from "./functions/aliases.ts";
import { codeSigningOperations } from "./functions/code-signing.ts";
import { eventSourceOperations } from "./event-sources/mappings.ts";
import { runtimeManagementOperations } from "./functions/runtime-management.ts";
import { CheckOperation } from "./check/check.ts";
import { Concurrency, concurrencyOperations } from "./concurrency/concurrency.ts";
import { Deliveries } from "./invoke/deliveries.ts";
import { eventConfigOperations, recursionOperations } from "./invoke/event-config.ts";
import { EventQueue } from "./invoke/event-queue.ts";
import { functionOperations, Functions } from "./functions/functions.ts";
import { refusingOthers } from "./honoured.ts";
import { layerOperations } from "./layers/layers.ts";
import { layerPermissionOperations } from "./layers/permissions.ts";
import { type ApiCalls, createApiCalls } from "./http-apis/api-calls.ts";
import { restoreLayers, usedContent } from "./layers/content.ts";
import { InvokeOperation, invokeOperations } from "./invoke/invoke.ts";
import { Changes } from "./records/changes.ts";
import { RunnableVersions } from "./records/runnable-version.ts";
import { UnfinishedWork } from "./records/unfinished-work.ts";
import { ProvisionedConcurrency, provisionedOperations } from "./concurrency/provisioned-concurrency.ts";
import type { AccountScope } from "../model/function-name.ts";
import type { Operations } from "./operations.ts";
import { Access } from "./policies/access.ts";
import { policyOperations } from "./policies/policies.ts";
import { createUrlCalls, type UrlCalls } from "./urls/url-calls.ts";
import { urlOperations } from "./urls/url-configs.ts";
import { Publisher } from "./snapshots/publisher.ts";
import type { ControlServices } from "./services.ts";
import { SnapshotLife } from "./snapshots/snapshot-life.ts";
import { SnapshotStatus } from "./snapshots/snapshot-status.ts";
import { tagOperations } from "./functions/tags.ts";
import { versionOperations } from "./functions/versions.ts";
import { VersionUses } from "./snapshots/version-uses.ts";

export interface ControlPlane extends OperatorFaces {
  readonly operations: Operations;
  readonly snapshots: SnapshotStatus;
  readonly provisioned: ProvisionedConcurrency;
  readonly checks: CheckOperation;
  readonly urls: UrlCalls;
  readonly httpApis: ApiCalls;
  readonly access: Access;
  /** The account and Region that all of it is for. */
  readonly scope: AccountScope;
  /** Takes up the work that the last run left unfinished; called once, after the start. */
  recover(): Promise<void>;
  /**
   * Ends what runs behind the operations. Where the host is lost by then, what is under way may be why, and the next
   * start knows.
   */
  close(isHostLost?: () => boolean): Promise<void>;
}

export function createControlPlane(services: ControlServices): ControlPlane {
  const parts = { ...services, changes: new Changes(services.store) };
  const runnables = new RunnableVersions(services.scope);
  const uses = new VersionUses(parts);
  const unfinished = new UnfinishedWork(parts);
  const publisher = new Publisher(parts, uses, unfinished);
  const events = new EventQueue(parts, unfinished, new Deliveries(parts));
  const concurrency = new Concurrency(parts);
  const provisioned = new ProvisionedConcurrency(parts, { concurrency, runnables, unfinished });
  parts.changes.listen((writes) => provisioned.heard(writes));
  const functions = new Functions(parts, publisher);
  const life = new SnapshotLife(parts, publisher, uses, async () => {
    await functions.settleAll();
    await provisioned.apply();
  });
  const invoke = new InvokeOperation(parts, { publisher, events, uses, concurrency, runnables });
  return {
    operations: refusingOthers({
      ...functionOperations(functions),
      ...versionOperations(parts, publisher),
      ...aliasOperations(parts, provisioned),
      ...tagOperations(parts),
      ...provisionedOperations(provisioned),
      ...concurrencyOperations(concurrency),
      ...invokeOperations(invoke),
      ...eventConfigOperations(parts),
      ...recursionOperations(parts),
      ...layerOperations(parts),
      ...layerPermissionOperations(parts),
      ...policyOperations(parts),
      ...urlOperations(parts),
      ...codeSigningOperations(parts),
      ...runtimeManagementOperations(parts),
      ...eventSourceOperations(parts),
      ...absentOperations(),
      GetAccountSettings: () => getAccountSettings(parts, concurrency),
    }),
    ...createOperatorFaces(services),
    snapshots: new SnapshotStatus(parts, publisher, uses),
    provisioned,
    checks: new CheckOperation(parts, invoke),
    urls: createUrlCalls(parts, invoke),
    httpApis: createApiCalls(parts, invoke),
    access: new Access(parts),
    scope: services.scope,
    async recover() {
      await uses.load();
      await unfinished.load();
      await services.code.sweep(await usedContent(services));
      await restoreLayers(services);
      await life.start();
      events.start((event) => invoke.runAccepted(event));
    },
    async close(isHostLost = () => false) {
      provisioned.close();
      functions.close();
      await Promise.all([life.close(), publisher.close(), events.close()]);
      if (!isHostLost()) await unfinished.forgive();
    },
  };
}
