/**
 * Requests that name something of another account: its owner's control plane judges them by the resource policy, and
 * carries them out. https://docs.aws.amazon.com/lambda/latest/dg/permissions-function-cross-account.html
 */
import type { OperationName } from "@thaw/aws-api";
import type { ControlPlane } from "../../control/control-plane.ts";
import { ApiError } from "../../model/api-error.ts";
import type { Caller } from "../../model/caller.ts";
import { type AccountScope, functionArn, readFunctionName } from "../../model/function-name.ts";
import { layerVersionArn, parseLayerArn } from "../../model/layer-record.ts";
import type { Scopes } from "../scopes.ts";

/** Operations that a function's policy can allow to another account, with the action that it names. */
const FUNCTION_ACTIONS: Readonly<Partial<Record<OperationName, string>>> = {
  Invoke: "lambda:InvokeFunction",
  InvokeWithResponseStream: "lambda:InvokeFunction",
  InvokeAsync: "lambda:InvokeAsync",
  GetAlias: "lambda:GetAlias",
  GetFunction: "lambda:GetFunction",
  GetFunctionConcurrency: "lambda:GetFunctionConcurrency",
  GetFunctionConfiguration: "lambda:GetFunctionConfiguration",
  GetFunctionEventInvokeConfig: "lambda:GetFunctionEventInvokeConfig",
  GetPolicy: "lambda:GetPolicy",
  GetProvisionedConcurrencyConfig: "lambda:GetProvisionedConcurrencyConfig",
  ListAliases: "lambda:ListAliases",
  ListFunctionEventInvokeConfigs: "lambda:ListFunctionEventInvokeConfigs",
  ListProvisionedConcurrencyConfigs: "lambda:ListProvisionedConcurrencyConfigs",
  ListTags: "lambda:ListTags",
  ListVersionsByFunction: "lambda:ListVersionsByFunction",
};

type Input = Readonly<Record<string, unknown>>;

/**
 * Finds the control plane that carries a request out: the caller's own, or that of the owner of what it names. Throws
 * an AccessDeniedException where the owner does not allow it, and where there is no such owner: nobody learns which.
 */
export async function controlFor(
  scopes: Scopes,
  caller: Caller,
  operation: OperationName,
  input: Input,
): Promise<ControlPlane> {
  return (
    (await ownerOfFunction(scopes, caller, operation, input)) ??
    (await ownerOfLayer(scopes, caller, operation, input)) ??
    (await scopes.of(caller)).control
  );
}

/** Null where the request names no function of another account, or is none that one can be asked for. */
async function ownerOfFunction(
  scopes: Scopes,
  caller: Caller,
  operation: OperationName,
  input: Input,
): Promise<ControlPlane | null> {
  const action = FUNCTION_ACTIONS[operation];
  const parts = action === undefined ? null : readFunctionName(textOf(input["FunctionName"] ?? input["Resource"]));
  if (action === undefined || parts === null) return null;
  const { accountId, region, name } = parts;
  // Another Region is refused by the caller's own control plane, in words of its own.
  if (accountId === null || accountId === caller.accountId || (region ?? caller.region) !== caller.region) return null;
  const owner = { accountId, region: caller.region };
  const given = input["Qualifier"];
  const qualifier = parts.qualifier ?? (typeof given === "string" ? given : null);
  const control = (await scopes.find(owner))?.control;
  const isAllowed = await control?.access.allowsFunction({ name, qualifier, action, principal: caller });
  if (control !== undefined && isAllowed === true) return control;
  throw notAuthorized(caller, action, functionArn(owner, name, qualifier));
}

async function ownerOfLayer(
  scopes: Scopes,
  caller: Caller,
  operation: OperationName,
  input: Input,
): Promise<ControlPlane | null> {
  const place = layerOf(operation, input);
  if (place === null || place.accountId === caller.accountId || place.region !== caller.region) return null;
  const control = (await scopes.find(place))?.control;
  const shared = await control?.access.sharedLayer(place.name, place.version, caller);
  if (control !== undefined && shared !== undefined && shared !== null) return control;
  throw notAuthorized(caller, "lambda:GetLayerVersion", layerVersionArn(place, place.name, place.version));
}

function layerOf(
  operation: OperationName,
  input: Input,
): (AccountScope & { readonly name: string; readonly version: number }) | null {
  if (operation !== "GetLayerVersion" && operation !== "GetLayerVersionByArn") return null;
  const parts = parseLayerArn(textOf(operation === "GetLayerVersion" ? input["LayerName"] : input["Arn"]));
  const version = operation === "GetLayerVersion" ? input["VersionNumber"] : parts?.version;
  return parts === null || typeof version !== "number" ? null : { ...parts, version };
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** AWS says the same of what is not there. */
function notAuthorized({ principalArn }: Caller, action: string, arn: string): ApiError {
  return new ApiError(
    "AccessDeniedException",
    `User: ${principalArn} is not authorized to perform: ${action} on resource: ${arn} because no resource-based policy allows the ${action} action`,
  );
}
