/**
 * API Gateway, version 1: REST APIs whose methods lead to functions, with mocks for browsers' preflights. API keys and
 * usage plans, domain names, documentation, certificates and links to a VPC are refused by name.
 */
import { API_GATEWAY, type OperationTypes } from "@thaw/aws-api/apigateway";
import type { ServiceOperations } from "../aws-service.ts";
import type { ApiParts } from "../gateways/api-documents.ts";
import { accountOperations } from "./account.ts";
import { authorizerOperations } from "./authorizers.ts";
import { gatewayResponseOperations } from "./gateway-responses.ts";
import { importOperations } from "./import.ts";
import { integrationOperations } from "./integrations.ts";
import { methodOperations } from "./methods.ts";
import { modelOperations } from "./models.ts";
import { requestValidatorOperations } from "./request-validators.ts";
import { resourceOperations } from "./resources.ts";
import { restApiOperations } from "./rest-apis.ts";
import { stageOperations } from "./stages.ts";
import { StoredRestApis } from "./stored-rest-apis.ts";
import { tagOperations } from "./tags.ts";

export { API_GATEWAY };

export function restApiGatewayOperations(parts: ApiParts): ServiceOperations<OperationTypes> {
  const apis = new StoredRestApis(parts);
  return {
    ...restApiOperations(apis),
    ...importOperations(apis),
    ...resourceOperations(apis),
    ...methodOperations(apis),
    ...integrationOperations(apis),
    ...stageOperations(apis),
    ...gatewayResponseOperations(apis),
    ...authorizerOperations(apis),
    ...modelOperations(apis),
    ...requestValidatorOperations(apis),
    ...tagOperations(apis),
    ...accountOperations(parts),
  };
}

export function insteadOfRestApiGateway(operation: string): string {
  if (/ApiKey|UsagePlan|Usage$/.test(operation)) return "Check keys in the function, and limit it by its concurrency.";
  if (/DomainName|BasePathMapping/.test(operation)) return "Put a reverse proxy with that name before the server.";
  if (operation === "TestInvokeAuthorizer") return "Send a request to the stage's address.";
  if (operation === "TestInvokeMethod") return "Send a request to the stage's address.";
  return "Thaw has REST APIs with resources, methods, integrations, deployments and stages.";
}
