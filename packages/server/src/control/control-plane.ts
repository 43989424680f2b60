/** The control plane: all operations, and what runs behind them. */
import { getAccountSettings } from "./concurrency/account.ts";
import { createOperatorFaces, type OperatorFaces } from "./operator/faces.ts";
import { absentOperations } from "./functions/absent.ts";
import { aliasOperations } from "./functions/aliases.ts";
import { codeSigningOperations } from "./functions/code-signing.ts";
import { withOwnBuses } from "./events/own-buses.ts";
import { OwnEvents } from "./events/own-events.ts";
import type { TopicSubscriptions } from "./events/topic-subscriptions.ts";
import { eventSourceOperations } from "./event-sources/mappings.ts";
import { Pollers } from "./event-sources/pollers.ts";
import { runtimeManagementOperations } from "./functions/runtime-management.ts";
import { CheckOperation } from "./check/check.ts";
import { Concurrency, concurrencyOperations } from "./concurrency/concurrency.ts";
import { Deliveries } from "./invoke/deliveries.ts";
import { eventConfigOperations, recursionOperations } from "./invoke/event-config.ts";
import { EventQueue } from "./invoke/event-queue.ts";
import { withOwnBuckets } from "./invoke/own-buckets.ts";
import { functionOperations, Functions } from "./functions/functions.ts";
import { refusingOthers } from "./honoured.ts";
import { layerOperations } from "./layers/layers.ts";
import { layerPermissionOperations } from "./layers/permissions.ts";
import { type ApiCalls, createApiCalls } from "./http-apis/api-calls.ts";
import { createAuthorizers } from "./http-apis/authorizers.ts";
import { createFunctionCalls } from "./http-apis/function-calls.ts";
import { createRestCalls, type RestCalls } from "./http-apis/rest-calls.ts";
import { createTraffic } from "./http-apis/traffic.ts";
import { restoreLayers, usedContent } from "./layers/content.ts";
import { InvokeOperation, invokeOperations } from "./invoke/invoke.ts";
import { Changes } from "./records/changes.ts";
import { RunnableVersions } from "./records/runnable-version.ts";
import { UnfinishedWork } from "./records/unfinished-work.ts";
import { ProvisionedConcurrency, provisionedOperations } from "./concurrency/provisioned-concurrency.ts";
import type { AccountScope } from "../model/function-name.ts";
import type { VersionRecord } from "../model/function-record.ts";
import type { EventBuses } from "../ports/event-buses.ts";
import type { BucketTargets } from "../ports/bucket-targets.ts";
import type { Schedules } from "../ports/schedules.ts";
import type { Operations } from "./operations.ts";
import { Access } from "./policies/access.ts";
import { policyOperations } from "./policies/policies.ts";
import { createUrlCalls, type UrlCalls } from "./urls/url-calls.ts";
import { urlOperations } from "./urls/url-configs.ts";
import { Publisher } from "./snapshots/publisher.ts";
import type { ControlParts, ControlServices } from "./services.ts";
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
  readonly restApis: RestCalls;
  readonly access: Access;
  readonly buses: EventBuses;
  readonly schedules: Schedules;
  readonly bucketTargets: BucketTargets;
  readonly topics: TopicSubscriptions;
  /** The account and Region that all of it is for. */
  readonly scope: AccountScope;
  /**
   * Takes up the work that the last run left unfinished; called once, after the start. `read`: the rows of all
   * versions, where the caller has just read them.
   */
  recover(read?: readonly VersionRecord[]): Promise<void>;
  /**
   * Ends what runs behind the operations. Where the host is lost by then, what is under way may be why, and the next
   * start knows.
   */
  close(isHostLost?: () => boolean): Promise<void>;
}

export function createControlPlane(services: ControlServices): ControlPlane {
  const outside = withOwnBuckets(services.destinations, services);
  const destinations = withOwnBuses(outside, services, () => ownEvents.buses);
  const parts = { ...services, destinations, changes: new Changes(services.store) };
  const runnables = new RunnableVersions(services.scope);
  const uses = new VersionUses(parts);
  const unfinished = new UnfinishedWork(parts);
  const publisher = new Publisher(parts, uses, unfinished);
  const events = new EventQueue(parts, unfinished, new Deliveries(parts));
  const ownEvents = new OwnEvents(parts, events);
  const concurrency = new Concurrency(parts);
  const provisioned = new ProvisionedConcurrency(parts, { concurrency, runnables, unfinished });
  const pollers = new Pollers(parts);
  parts.changes.listen(async (writes) => {
    pollers.heard(writes);
    await provisioned.heard(writes);
  });
  const functions = new Functions(parts, publisher);
  const life = new SnapshotLife(parts, publisher, uses, async (versions) => {
    await functions.settleAll(versions);
    await provisioned.apply();
  });
  const invoke = new InvokeOperation(parts, { publisher, events, uses, concurrency, runnables });
  const callFunction = createFunctionCalls(parts, invoke);
  const authorize = createAuthorizers(parts.clock, callFunction);
  const traffic = createTraffic(parts.clock, parts.logs);
  return {
    operations: operationsOf(parts, { functions, publisher, provisioned, concurrency, invoke, pollers }),
    ...createOperatorFaces(services),
    snapshots: new SnapshotStatus(parts, publisher, uses),
    provisioned,
    checks: new CheckOperation(parts, invoke),
    urls: createUrlCalls(parts, invoke),
    httpApis: createApiCalls(parts, callFunction, authorize, traffic),
    restApis: createRestCalls(parts, callFunction, authorize, traffic),
    access: new Access(parts),
    buses: ownEvents.buses,
    schedules: ownEvents.schedules,
    bucketTargets: ownEvents.bucketEvents,
    topics: ownEvents.topics,
    scope: services.scope,
    async recover(read) {
      await uses.load();
      await unfinished.load();
      // Once: with thousands of them, reading them is most of a start.
      const versions = read ?? (await services.store.listAllVersions());
      await services.code.sweep(() => usedContent(services, versions));
      await restoreLayers(services, versions);
      await life.start(versions);
      events.start((event) => invoke.runAccepted(event));
      await ownEvents.start();
      await pollers.start(invoke, events);
    },
    async close(isHostLost = () => false) {
      provisioned.close();
      functions.close();
      await ownEvents.close();
      await Promise.all([life.close(), publisher.close(), events.close(), pollers.close()]);
      if (!isHostLost()) await unfinished.forgive();
    },
  };
}

interface OperationParts {
  readonly functions: Functions;
  readonly publisher: Publisher;
  readonly provisioned: ProvisionedConcurrency;
  readonly concurrency: Concurrency;
  readonly invoke: InvokeOperation;
  readonly pollers: Pollers;
}

function operationsOf(
  parts: ControlParts,
  { functions, publisher, provisioned, concurrency, invoke, pollers }: OperationParts,
): Operations {
  return refusingOthers({
    ...functionOperations(functions, parts.code),
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
    ...eventSourceOperations(parts, pollers),
    ...absentOperations(),
    GetAccountSettings: () => getAccountSettings(parts, concurrency),
  });
}
