/**
 * PutRuntimeManagementConfig and GetRuntimeManagementConfig. They are kept and shown; which release of a runtime runs
 * is the operator's decision here (docs/reference/deviations.md).
 */
import { invalidParameter } from "../../model/api-error.ts";
import { functionArn } from "../../model/function-name.ts";
import type { RuntimeManagementRecord } from "../../model/function-record.ts";
import { findVersion } from "../records/lookup.ts";
import type { In, OperationsOf, Out } from "../operations.ts";
import type { ControlParts } from "../services.ts";

type Needs = Pick<ControlParts, "scope" | "store" | "changes">;

export function runtimeManagementOperations(
  services: Needs,
): OperationsOf<"PutRuntimeManagementConfig" | "GetRuntimeManagementConfig"> {
  return {
    PutRuntimeManagementConfig: (input) => put(services, input),
    GetRuntimeManagementConfig: (input) => get(services, input),
  };
}

async function put(
  services: Needs,
  input: In<"PutRuntimeManagementConfig">,
): Promise<Out<"PutRuntimeManagementConfig">> {
  const { scope, store, changes } = services;
  const { UpdateRuntimeOn: updateRuntimeOn, RuntimeVersionArn: arn } = input;
  // The API's documentation says when it is required; AWS's text is not known.
  if ((updateRuntimeOn === "Manual") !== (arn !== undefined))
    throw invalidParameter("RuntimeVersionArn goes with UpdateRuntimeOn Manual, and only with it.");
  const { owner } = await findVersion(services, input.FunctionName, input.Qualifier);
  return changes.decide(owner.name, async () => {
    const { version, qualifier } = await findVersion(services, input.FunctionName, input.Qualifier);
    const record: RuntimeManagementRecord = {
      functionName: owner.name,
      qualifier: version.version,
      updateRuntimeOn,
      runtimeVersionArn: arn ?? null,
    };
    const over = await store.getSetting("runtimeManagement", owner.name, version.version);
    return {
      writes: [{ op: "put", kind: "runtimeManagement", record, over }],
      result: {
        UpdateRuntimeOn: updateRuntimeOn,
        FunctionArn: functionArn(scope, owner.name, qualifier),
        ...(arn === undefined ? {} : { RuntimeVersionArn: arn }),
      },
    };
  });
}

async function get(
  services: Needs,
  input: In<"GetRuntimeManagementConfig">,
): Promise<Out<"GetRuntimeManagementConfig">> {
  const { scope, store } = services;
  const { owner, version, qualifier } = await findVersion(services, input.FunctionName, input.Qualifier);
  const own = await store.getSetting("runtimeManagement", owner.name, version.version);
  return {
    UpdateRuntimeOn: own?.updateRuntimeOn ?? "Auto",
    FunctionArn: functionArn(scope, owner.name, qualifier),
    ...(typeof own?.runtimeVersionArn === "string" ? { RuntimeVersionArn: own.runtimeVersionArn } : {}),
  };
}
