/** AWS's Lambda API: its model, its protocol and its checks. */
import { ERRORS } from "./generated/lambda/errors.ts";
import { OPERATIONS, type OperationName } from "./generated/lambda/operations.ts";
import { SHAPES } from "./generated/lambda/shapes.ts";
import type { ServiceModel } from "./model.ts";
import { type OperationMatch, RestJson } from "./protocols/rest-json.ts";
import type { Shape } from "./shape.ts";
import { Validator } from "./validate.ts";

export { ERRORS, type ErrorName } from "./generated/lambda/errors.ts";
export { OPERATIONS, type OperationName, type OperationTypes } from "./generated/lambda/operations.ts";
export type * from "./generated/lambda/types.ts";

/** In AWS's order, which is none. */
const LAYER_RUNTIMES =
  "ruby3.5 ruby2.6 dotnetcore1.0 python3.7 nodejs8.10 nasa ruby2.7 python2.7-greengrass dotnetcore2.0 python3.8 java21 dotnet6 dotnetcore2.1 python3.9 java11 nodejs6.10 provided dotnetcore3.1 dotnet8 java25 java17 nodejs nodejs4.3 java8.al2 go1.x dotnet10 nodejs20.x go1.9 byol nodejs10.x provided.al2023 nodejs22.x python3.10 java8 nodejs12.x python3.11 nodejs24.x nodejs8.x python3.12 nodejs14.x nodejs8.9 nodejs26.x python3.13 python3.14 nodejs16.x python3.15 provided.al2 nodejs4.3-edge nodejs18.x ruby3.2 python3.4 ruby3.3 ruby3.4 ruby2.5 python3.6 python2.7".split(
    " ",
  );

function withRuntimeFilter(request: Shape | undefined): Shape {
  const { CompatibleRuntime: filter, ...others } = request?.members ?? {};
  return {
    ...request,
    type: "structure",
    members: { ...others, CompatibleRuntime: { ...filter, shape: "RuntimeFilter" } },
  };
}

export const LAMBDA: ServiceModel<OperationName> = {
  scope: "lambda",
  operations: OPERATIONS,
  // AWS's texts name these values in another order than its model (recorded …test_lambda_url_invalid_invoke_mode,
  // …test_put_function_recursion_config_invalid_value).
  shapes: {
    ...SHAPES,
    InvokeMode: { ...SHAPES["InvokeMode"], type: "string", enum: ["RESPONSE_STREAM", "BUFFERED"] },
    EventSourcePosition: {
      ...SHAPES["EventSourcePosition"],
      type: "string",
      enum: ["LATEST", "AT_TIMESTAMP", "TRIM_HORIZON"],
    },
    RecursiveLoop: { ...SHAPES["RecursiveLoop"], type: "string", enum: ["Terminate", "Allow"] },
    // The runtime of a list's filter is checked with the rest of the request, unlike that of a function.
    RuntimeFilter: { ...SHAPES["Runtime"], type: "string" },
    ListLayersRequest: withRuntimeFilter(SHAPES["ListLayersRequest"]),
    ListLayerVersionsRequest: withRuntimeFilter(SHAPES["ListLayerVersionsRequest"]),
  },
  errors: ERRORS,
  checkedByTheService: new Set(["Runtime"]),
  saidByTheService: {
    // Recorded …TestLambdaRecursion.test_put_function_recursion_config_invalid_value.
    EventSourcePosition: {
      ...SHAPES["EventSourcePosition"],
      type: "string",
      enum: ["LATEST", "AT_TIMESTAMP", "TRIM_HORIZON"],
    },
    RecursiveLoop: { enum: ["Terminate", "Allow"] },
    // Recorded …TestLambdaUrl.test_url_config_exceptions.
    InvokeMode: { enum: ["RESPONSE_STREAM", "BUFFERED"] },
    // In lists of compatible runtimes of layers (LocalStack keeps the text: localstack/services/lambda_/runtimes.py).
    Runtime: { enum: LAYER_RUNTIMES },
    RuntimeFilter: { enum: LAYER_RUNTIMES },
    // Recorded …TestLambdaTag.test_tag_exceptions.
    TaggableResource: {
      pattern:
        "arn:(aws[a-zA-Z-]*):lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1}:\\d{12}:(function:[a-zA-Z0-9-_]+(:(\\$LATEST|[a-zA-Z0-9-_]+))?|layer:([a-zA-Z0-9-_]+)|code-signing-config:csc-[a-z0-9]{17}|event-source-mapping:[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}|capacity-provider:[a-zA-Z0-9-_]+)",
    },
  },
};

export type Match = OperationMatch<OperationName>;

const protocol = new RestJson(LAMBDA);
const validator = new Validator(LAMBDA);

export const matchOperation = protocol.match.bind(protocol);
export const parseInput = protocol.parseInput.bind(protocol);
export const serializeOutput = protocol.serializeOutput.bind(protocol);
export const validate = validator.validate.bind(validator);
export const enumValues = validator.enumValues.bind(validator);
