/** Functions as integrations of APIs call them: by an ARN with stage variables, if the function's policy lets them. */
import { ApiError } from "../../model/api-error.ts";
import { parseFunctionName } from "../../model/function-name.ts";
import { LATEST } from "../../model/function-record.ts";
import { integrationFunction, withVariables } from "../../model/http-api/integration-uri.ts";
import type { InvokeOutcome } from "../../ports/worker.ts";
import type { InvokeOperation } from "../invoke/invoke.ts";
import { allows } from "../policies/statements.ts";
import type { ControlParts } from "../services.ts";
import type { UrlCall } from "../urls/url-calls.ts";

/** A request to the function that an integration names. */
export interface FunctionCall extends UrlCall {
  /** As it was given: a function's ARN, or one of API Gateway's around it; may name stage variables. */
  readonly uri: string;
  readonly variables: Readonly<Record<string, string>>;
  /** ARN of the route, as conditions of resource policies name it. */
  readonly sourceArn: string;
}

/** A text says why the function is not called. Throws an ApiError where it can't be invoked now. */
export type CallFunction = (call: FunctionCall) => Promise<InvokeOutcome | string>;

const SERVICE = "apigateway.amazonaws.com";
/** Errors that say that the integration names no function that may be called. */
const GONE = new Set(["ResourceNotFoundException", "AccessDeniedException", "InvalidParameterValueException"]);

export function createFunctionCalls(
  { scope, store }: Pick<ControlParts, "scope" | "store">,
  invoke: InvokeOperation,
): CallFunction {
  return async ({ uri, variables, sourceArn, ...event }) => {
    const arn = withVariables(integrationFunction(uri) ?? "", variables);
    if (arn === null) return `${uri} names a stage variable that the stage does not have`;
    try {
      const { name, qualifier } = parseFunctionName(scope, arn);
      const policy = await store.getSetting("policy", name, qualifier ?? LATEST);
      const keys = { "aws:sourcearn": sourceArn, "aws:sourceaccount": scope.accountId };
      const call = { action: "lambda:InvokeFunction", principal: { service: SERVICE }, keys };
      if (!allows(policy?.statements ?? [], call))
        return `the policy of ${arn} does not let ${SERVICE} invoke it for ${sourceArn}: see AddPermission`;
      return await invoke.runEvent({ ...event, functionName: name, qualifier, isStreamed: false });
    } catch (error) {
      if (error instanceof ApiError && GONE.has(error.name)) return `${arn}: ${error.message}`;
      throw error;
    }
  };
}
