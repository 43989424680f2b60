/** The front of an AWS service whose requests name their operation, as those of the Query protocol do. */
import { SerializationError, Validator, type WireRequest } from "@thaw/aws-api";
import type { AwsService, ServiceContext } from "../../aws/aws-service.ts";
import { ServiceError } from "../../model/service-error.ts";
import { type Refusal, type Reply, toReply } from "../reply.ts";
import type { WireHead } from "../wire-head.ts";
import type { Scopes } from "../scopes.ts";
import { type Front, signedOf } from "./front.ts";
import type { OnProblem } from "./thaw/front.ts";

/** Far above what the members of any operation can hold. */
const BODY_BYTES_MAX = 6 * 1024 * 1024;

export interface ServiceFront extends Front {
  /** Forms a refusal of the listener as the service's clients read it. */
  refuse(problem: Refusal, requestId: string): Reply;
}

/** Creates the front of a service; `scopes` have the same one, each with operations of its own. */
export function createServiceFront(service: AwsService, scopes: Scopes, onProblem: OnProblem): ServiceFront {
  const validator = new Validator(service.model);
  const { protocol } = service;
  return {
    refuse: ({ name, status, message }, requestId) =>
      toReply(protocol.serializeError(name, message, status, requestId)),
    admit: (head) => ({
      body: "whole",
      bytesMax: BODY_BYTES_MAX,
      tooLarge: () =>
        toReply(
          protocol.serializeError(
            "RequestEntityTooLargeException",
            `Request must be smaller than ${BODY_BYTES_MAX} bytes`,
            413,
            "",
          ),
        ),
      async serve(body, context) {
        const { requestId, caller, addressOf } = signedOf(context);
        try {
          const own = (await scopes.of(caller)).awsServices.find(({ model }) => model.scope === service.model.scope);
          return await carryOut(own ?? service, validator, requestOf(head, body), { requestId, caller, addressOf });
        } catch (error) {
          return replyOf(service, error, requestId, onProblem);
        }
      },
    }),
  };
}

function requestOf({ method, path, query, headers }: WireHead, body: Buffer): WireRequest {
  return { method, path, query, headers, body };
}

async function carryOut(
  { name, model, protocol, operations, instead, invalidCode }: AwsService,
  validator: Validator,
  request: WireRequest,
  { requestId, ...context }: ServiceContext & { readonly requestId: string },
): Promise<Reply> {
  const operation = protocol.match(request);
  if (operation === null) {
    const given = protocol.nameOf(request);
    throw new ServiceError(
      "UnknownOperationException",
      `There is no operation ${given === "" ? "named in the request" : given.slice(0, 100)} in ${name}, or Thaw does not have it. ${instead(given)}`.trimEnd(),
    );
  }
  const run = Object.hasOwn(operations, operation) ? operations[operation] : undefined;
  if (run === undefined) {
    throw new ServiceError(
      "NotImplementedException",
      `${operation} is part of ${name}, but Thaw does not have it. ${instead(operation)}`.trimEnd(),
    );
  }
  const input = protocol.parseInput(operation, request);
  const shape = model.operations[operation]?.input ?? null;
  const problem = shape === null ? null : validator.validate(shape, input);
  if (problem !== null) throw new ServiceError(invalidCode, problem);
  return toReply(
    protocol.serializeOutput(operation, (await run(input, context)) as Readonly<Record<string, unknown>>, requestId),
  );
}

function replyOf({ model, protocol }: AwsService, error: unknown, requestId: string, onProblem: OnProblem): Reply {
  const reply = (code: string, message: string, status: number): Reply =>
    toReply(protocol.serializeError(code, message, status, requestId));
  if (error instanceof SerializationError) return reply("SerializationException", error.message, 400);
  if (error instanceof ServiceError) return reply(error.code, error.message, model.errors[error.code]?.status ?? 400);
  onProblem("request", error);
  return reply("InternalFailureException", "An internal error occurred. The server's log has the details.", 500);
}
