/** Parts of the control plane for operators: what Thaw's own API offers besides AWS's operations. */
import type { KeyAdmin } from "../../ports/key-admin.ts";
import type { ControlServices } from "../services.ts";
import { CodeReader } from "./code.ts";
import { ScopeContents } from "./contents.ts";
import { EnvironmentAdmin } from "./environments.ts";
import { SnapshotInspection } from "./inspection.ts";
import { FunctionLogs } from "./logs.ts";
import { ObjectAdmin } from "./objects.ts";
import { RuntimeAdmin } from "./runtimes.ts";

/** The methods of a class, so that something else can stand in for it. */
type Face<T> = { readonly [K in keyof T]: T[K] };

export interface OperatorFaces {
  readonly contents: Face<ScopeContents>;
  readonly environments: Face<EnvironmentAdmin>;
  readonly inspection: Face<SnapshotInspection>;
  readonly logs: Face<FunctionLogs>;
  readonly keys: KeyAdmin;
  readonly objects: Face<ObjectAdmin>;
  readonly code: Face<CodeReader>;
  readonly runtimes: Face<RuntimeAdmin>;
}

export function createOperatorFaces(services: ControlServices): OperatorFaces {
  return {
    contents: new ScopeContents(services),
    environments: new EnvironmentAdmin(services),
    inspection: new SnapshotInspection(services),
    logs: new FunctionLogs(services),
    keys: services.keys,
    objects: new ObjectAdmin(services),
    code: new CodeReader(services),
    runtimes: new RuntimeAdmin(services),
  };
}
