/** AWS's operations without HTTP: by the same checks and the same operations that requests of clients go through. */
import type { Readable } from "node:stream";
import {
  LAMBDA,
  OPERATIONS,
  type OperationName,
  SerializationError,
  type ServiceModel,
  validate,
  Validator,
} from "@thaw/aws-api";
import { S3 } from "@thaw/aws-api/s3";
import type { AwsService, LoadedService, ServiceContext } from "../aws/aws-service.ts";
import type { S3Service } from "../aws/s3/create-s3.ts";
import type { Random } from "../base/random.ts";
import type { Call, Operations } from "../control/operations.ts";
import type { TopicSubscriptions } from "../control/events/topic-subscriptions.ts";
import { ApiError } from "../model/api-error.ts";
import { rootArn } from "../model/caller.ts";
import type { AccountScope } from "../model/function-name.ts";
import { ServiceError } from "../model/service-error.ts";
import { endpointAdvice, isPassed, type PassedServices } from "../ports/passed-services.ts";
import { withModelScalars } from "./template-scalars.ts";
import { CallError, type CallInput, type CallOutput, type ServiceCalls } from "../ports/service-calls.ts";

export interface ServiceCallsParts {
  readonly scope: AccountScope;
  readonly operations: Operations;
  readonly awsServices: readonly AwsService[];
  readonly s3: S3Service;
  readonly random: Pick<Random, "uuid">;
  readonly addressOf: ServiceContext["addressOf"];
  /** Subscriptions of functions, which no service has. */
  readonly topics: Pick<TopicSubscriptions, "call">;
  /** What Thaw has not itself; an account that may use none gets NO_PASSED_SERVICES. */
  readonly passed: Pick<PassedServices, "hasEndpoint" | "call">;
}

/** No object that an operation needs as a whole is larger. */
const CONTENT_BYTES_MAX = 64 * 1024 * 1024;

export function createServiceCalls(parts: ServiceCallsParts): ServiceCalls {
  const services = new Map(parts.awsServices.map((each) => [each.callName, each]));
  const s3Validator = new Validator(S3.model);
  return {
    async call(service, operation, input) {
      try {
        if (service === "lambda") return await callLambda(parts, operation, input);
        if (service === "s3") return await callS3(parts, s3Validator, operation, input);
        const ofFunction = service === "sns" ? await parts.topics.call(operation, input) : null;
        if (ofFunction !== null) return ofFunction;
        if (isPassed(service)) return await callPassed(parts, service, operation, input);
        const found = services.get(service);
        if (found === undefined) throw absent(`Thaw does not have the service ${service}`);
        return await callService(parts, await found.load(), operation, input);
      } catch (error) {
        throw toCallError(service, error);
      }
    },
  };
}

function modelled(model: Pick<ServiceModel, "shapes">, shape: string | null, input: CallInput): CallInput {
  return shape === null ? input : (withModelScalars(model.shapes, shape, input) as CallInput);
}

async function callPassed(
  { scope, passed }: ServiceCallsParts,
  service: Parameters<PassedServices["call"]>[1],
  operation: string,
  input: CallInput,
): Promise<CallOutput> {
  if (!passed.hasEndpoint(service))
    throw absent(
      `Thaw does not have the service ${service}: ${endpointAdvice(service)}, which it asks for the operator's account`,
    );
  return passed.call(scope.region, service, operation, input);
}

async function callLambda(
  { operations, random, addressOf }: ServiceCallsParts,
  name: string,
  { Payload: payload, ...given }: CallInput,
): Promise<CallOutput> {
  const run = Object.hasOwn(operations, name)
    ? (operations[name as OperationName] as ((input: CallInput, call: Call) => unknown) | undefined)
    : undefined;
  if (run === undefined) throw absent(`Thaw does not have Lambda's operation ${name}`);
  const shape = OPERATIONS[name as OperationName].input;
  const input = modelled(LAMBDA, shape, given);
  const problem = shape === null ? null : validate(shape, input);
  if (problem !== null) throw new ApiError("ValidationException", problem);
  const body = Buffer.isBuffer(payload) ? payload : Buffer.alloc(0);
  const output = (await run(input, { requestId: random.uuid(), body, traceId: null })) as CallOutput;
  const urlId = output["FunctionUrl"];
  return typeof urlId === "string" ? { ...output, FunctionUrl: addressOf("lambda-url", urlId) } : output;
}

async function callService(
  { scope, addressOf }: ServiceCallsParts,
  { name, model, validator, operations, invalidCode }: LoadedService,
  operation: string,
  given: CallInput,
): Promise<CallOutput> {
  const run = Object.hasOwn(operations, operation) ? operations[operation] : undefined;
  if (run === undefined) throw absent(`Thaw does not have ${name}'s operation ${operation}`);
  const shape = model.operations[operation]?.input ?? null;
  const input = modelled(model, shape, given);
  const problem = shape === null ? null : validator.validate(shape, input);
  if (problem !== null) throw new ServiceError(invalidCode, problem);
  const { accountId } = scope;
  const root = {
    principalArn: rootArn(accountId),
    userId: accountId,
    accessKeyId: "",
    kind: "account",
    isSession: false,
  } as const;
  return (await run(input, { caller: { ...scope, ...root }, addressOf })) as CallOutput;
}

async function callS3(
  { scope, s3, random }: ServiceCallsParts,
  validator: Validator,
  operation: string,
  { Body: body, ...given }: CallInput,
): Promise<CallOutput> {
  if (!Object.hasOwn(S3.model.operations, operation)) throw absent(`Thaw does not have S3's operation ${operation}`);
  const name = operation as keyof typeof S3.model.operations;
  const shape = S3.model.operations[name].input;
  const input = modelled(S3.model, shape, given);
  const problem = shape === null ? null : validator.validate(shape, input);
  if (problem !== null) throw new ServiceError("InvalidArgument", problem);
  const output = await s3(name, input, {
    accountId: scope.accountId,
    region: scope.region,
    requestId: random.uuid(),
    userId: scope.accountId,
    // As AWS says it of what a stack does.
    sourceIp: "cloudformation.amazonaws.com",
    content: contentOf(body),
    trailers: () => ({}),
    header: () => "",
    url: `https://s3.${scope.region}.amazonaws.com/`,
  });
  return output["Body"] === undefined ? output : { ...output, Body: await wholeOf(output["Body"] as Readable) };
}

async function* contentOf(body: unknown): AsyncGenerator<Buffer> {
  if (Buffer.isBuffer(body)) yield body;
  else if (typeof body === "string") yield Buffer.from(body);
}

async function wholeOf(body: AsyncIterable<Buffer>): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let sizeBytes = 0;
  for await (const piece of body) {
    sizeBytes += piece.length;
    if (sizeBytes > CONTENT_BYTES_MAX)
      throw new ServiceError("EntityTooLarge", `The object is larger than ${CONTENT_BYTES_MAX} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

function absent(sentence: string): ServiceError {
  return new ServiceError("NotImplementedException", `${sentence}.`);
}

function toCallError(service: string, error: unknown): unknown {
  if (error instanceof ApiError) return new CallError(service, error.name, error.message);
  if (error instanceof ServiceError) return new CallError(service, error.code, error.message);
  if (error instanceof SerializationError) return new CallError(service, "SerializationException", error.message);
  return error;
}
