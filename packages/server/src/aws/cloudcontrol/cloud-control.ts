/** Cloud Control API: what `sam list endpoints` asks of it, the URL of a function. */
import { CLOUD_CONTROL, type OperationTypes } from "@thaw/aws-api/cloudcontrol";
import { ServiceError } from "../../model/service-error.ts";
import { CallError, type ServiceCalls } from "../../ports/service-calls.ts";
import type { ServiceOperations } from "../aws-service.ts";

export { CLOUD_CONTROL };

export interface CloudControlParts {
  /** Addresses in its answers are the ids of what they lead to. */
  readonly services: ServiceCalls;
}

const URL_TYPE = "AWS::Lambda::Url";

export function cloudControlOperations({ services }: CloudControlParts): ServiceOperations<OperationTypes> {
  return {
    GetResource: async ({ TypeName, Identifier, TypeVersionId, RoleArn }, { addressOf }) => {
      if (TypeName !== URL_TYPE) throw unsupported(`resources of type ${TypeName}`);
      if (TypeVersionId !== undefined) throw unsupported("TypeVersionId");
      if (RoleArn !== undefined) throw unsupported("RoleArn");
      // The ARN of a function or of an alias; sam gives a name.
      const found = await urlOf(services, Identifier);
      const FunctionUrl = addressOf("lambda-url", String(found["FunctionUrl"]));
      const { FunctionArn, AuthType, InvokeMode, Cors } = found;
      const properties = { FunctionArn, TargetFunctionArn: FunctionArn, FunctionUrl, AuthType, InvokeMode, Cors };
      return { TypeName, ResourceDescription: { Identifier, Properties: JSON.stringify(properties) } };
    },
  };
}

export function insteadOfCloudControl(): string {
  return `Thaw has GetResource of ${URL_TYPE} alone, for sam list endpoints. Use the service of the thing itself.`;
}

async function urlOf(services: ServiceCalls, identifier: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return await services.call("lambda", "GetFunctionUrlConfig", { FunctionName: identifier });
  } catch (error) {
    if (!(error instanceof CallError)) throw error;
    const isMissing = error.code === "ResourceNotFoundException";
    throw new ServiceError(isMissing ? error.code : "InvalidRequestException", error.message);
  }
}

function unsupported(what: string): ServiceError {
  return new ServiceError("UnsupportedActionException", `Thaw does not have ${what} here. ${insteadOfCloudControl()}`);
}
