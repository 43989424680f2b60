/** The control plane: all operations, and what runs behind them. */
import { getAccountSettings } from "./concurrency/account.ts";
import { createOperatorFaces, type OperatorFaces } from "./operator/faces.ts";
import { aliasOperations } from "./functions/aliases.ts";
import { CheckOperation } from "./check/check.ts";
import { Concurrency, concurrencyOperations } from "./concurrency/concurrency.ts";
import { EventQueue } from "./invoke/event-queue.ts";
import { functionOperations, Functions } from "./functions/functions.ts";
import { InvokeOperation, invokeOperations } from "./invoke/invoke.ts";
import { listAllVersions } from "./records/lookup.ts";
import { ProvisionedConcurrency, provisionedOperations } from "./concurrency/provisioned-concurrency.ts";
import type { Operations } from "./operations.ts";
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
  const functions = new Functions(services, publisher);
  const life = new SnapshotLife(services, publisher, uses, () => {
    functions.settleAll();
    provisioned.apply();
  });
  const invoke = new InvokeOperation(services, publisher, events, uses, concurrency);
  return {
    operations: {
      ...functionOperations(functions, () => provisioned.apply()),
      ...versionOperations(services, publisher),
      ...aliasOperations(services, provisioned),
      ...tagOperations(services),
      ...provisionedOperations(provisioned),
      ...concurrencyOperations(concurrency),
      ...invokeOperations(invoke),
      GetAccountSettings: () => getAccountSettings(services, concurrency),
    },
    ...createOperatorFaces(services),
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

function usedCode(services: Pick<ControlServices, "store">): ReadonlySet<string> {
  return new Set(listAllVersions(services).map((version) => version.code.codeName));
}
