/** Parts of the control plane for operators: what Thaw's own API offers besides AWS's operations. */
import type { KeyAdmin } from "../../ports/key-admin.ts";
import type { ControlServices } from "../services.ts";
import { CodeReader } from "./code.ts";
import { ScopeContents } from "./contents.ts";
import { EnvironmentAdmin } from "./environments.ts";
import { SnapshotInspection } from "./inspection.ts";
import { InvocationAdmin } from "./invocations.ts";
import { LogSearch } from "./log-search.ts";
import { FunctionLogs } from "./logs.ts";
import { ObjectAdmin } from "./objects.ts";
import { OverviewAdmin } from "./overview.ts";
import { PrimeEventReader } from "./prime-events.ts";
import { RuntimeAdmin } from "./runtimes.ts";
import { TestEvents } from "./test-events.ts";

/** The methods of a class, so that something else can stand in for it. */
type Face<T> = { readonly [K in keyof T]: T[K] };

export interface OperatorFaces {
  readonly contents: Face<ScopeContents>;
  readonly environments: Face<EnvironmentAdmin>;
  readonly inspection: Face<SnapshotInspection>;
  readonly logs: Face<FunctionLogs>;
  readonly logSearch: Face<LogSearch>;
  readonly testEvents: Face<TestEvents>;
  readonly primeEvents: Face<PrimeEventReader>;
  readonly keys: KeyAdmin;
  readonly objects: Face<ObjectAdmin>;
  readonly code: Face<CodeReader>;
  readonly runtimes: Face<RuntimeAdmin>;
  readonly invocations: Face<InvocationAdmin>;
  readonly overview: Face<OverviewAdmin>;
}

export function createOperatorFaces(services: ControlServices): OperatorFaces {
  return {
    contents: new ScopeContents(services),
    environments: new EnvironmentAdmin(services),
    inspection: new SnapshotInspection(services),
    logs: new FunctionLogs(services),
    logSearch: new LogSearch(services),
    testEvents: new TestEvents(services),
    primeEvents: new PrimeEventReader(services),
    keys: services.keys,
    objects: new ObjectAdmin(services),
    code: new CodeReader(services),
    runtimes: new RuntimeAdmin(services),
    invocations: new InvocationAdmin(services),
    overview: new OverviewAdmin(services),
  };
}
