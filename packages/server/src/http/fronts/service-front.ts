/** The front of an AWS service whose requests name their operation, as those of the Query protocol do. */
import { SerializationError, type WireRequest } from "@thaw/aws-api";
import type { LoadedService, ServiceContext } from "../../aws/aws-service.ts";
import type { Caller } from "../../model/caller.ts";
import { ServiceError } from "../../model/service-error.ts";
import { INTERNAL_ERROR, type Reply, toReply } from "../reply.ts";
import type { WireHead } from "../wire-head.ts";
import { signedOf } from "./front.ts";
import type { RefusingFront } from "./front-on-use.ts";
import type { OnProblem } from "./thaw/front.ts";

/** Refusals that the models do not list, by code; 400 where nothing else is said. */
const STATUS: Readonly<Record<string, number>> = { AccessDenied: 403 };
/** Far above what the members of any operation can hold. */
const BODY_BYTES_MAX = 6 * 1024 * 1024;

/** The feature B, waiters, among those that botocore lists in its user agent (botocore/useragent.py): `m/A,B,Z`. */
const WAITER = /(?:^| )m\/(?:[A-Za-z0-9+-]+,)*B(?:,| |$)/;

/**
 * Creates the front of a service, which all scopes have, each with operations of its own; `ownOf` gives a caller's.
 */
export function createServiceFront(
  service: LoadedService,
  ownOf: (caller: Caller) => Promise<LoadedService>,
  onProblem: OnProblem,
): RefusingFront {
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
        const { requestId, caller, addressOf, untilGone } = signedOf(context);
        try {
          const waiter = WAITER.test(String(head.headers["user-agent"])) ? { waiter: untilGone() } : {};
          const about = { requestId, caller, addressOf, ...waiter };
          return await carryOut(await ownOf(caller), requestOf(head, body), about);
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
  { name, model, protocol, validator, operations, instead, invalidCode }: LoadedService,
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

function replyOf({ model, protocol }: LoadedService, error: unknown, requestId: string, onProblem: OnProblem): Reply {
  const reply = (code: string, message: string, status: number): Reply =>
    toReply(protocol.serializeError(code, message, status, requestId));
  if (error instanceof SerializationError) return reply("SerializationException", error.message, 400);
  if (error instanceof ServiceError)
    return reply(error.code, error.message, model.errors[error.code]?.status ?? STATUS[error.code] ?? 400);
  onProblem("request", error);
  return reply("InternalFailureException", INTERNAL_ERROR, 500);
}
