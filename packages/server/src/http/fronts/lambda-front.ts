/** The Lambda API as a front: limits of bodies by operation; the operations themselves are in lambda.ts. */
import { matchOperation, type OperationName } from "@thaw/aws-api";
import { errorReply, type Reply } from "../reply.ts";
import type { WireHead } from "../wire-head.ts";
import { type Front, signedOf } from "./front.ts";
import { type LambdaServices, serveLambdaApi } from "./lambda.ts";

/** A zip of 50 MiB in base64, with room for the rest of the request. */
const CODE_BYTES_MAX = 70 * 1024 * 1024;
/** AWS's limit of a synchronous invoke; the smaller one of an event is the operation's own. */
const INVOKE_BYTES_MAX = 6 * 1024 * 1024;
/** AWS's limit, and far above what any other operation's members can hold. */
const BODY_BYTES_MAX = 6 * 1024 * 1024;
const WITH_CODE: ReadonlySet<OperationName> = new Set(["CreateFunction", "UpdateFunctionCode", "PublishLayerVersion"]);
const INVOKES: ReadonlySet<OperationName> = new Set(["Invoke", "InvokeAsync", "InvokeWithResponseStream"]);

/** Creates the front of AWS's Lambda API. */
export function createLambdaFront(services: LambdaServices): Front {
  return {
    admit(head) {
      const match = matchOperation(head.method, head.path, head.query);
      if (match === null)
        return errorReply(
          "UnknownOperationException",
          `There is no operation ${head.method} ${head.path} in the Lambda API.`,
        );
      return {
        ...limitOf(match.operation),
        body: "whole",
        serve: (body, context) => serveLambdaApi(services, match, requestOf(head, body), signedOf(context)),
      };
    },
  };
}

function requestOf({ method, path, query, headers }: WireHead, body: Buffer) {
  return { method, path, query, headers, body };
}

function limitOf(operation: OperationName): { readonly bytesMax: number; readonly tooLarge: () => Reply } {
  if (INVOKES.has(operation))
    return {
      bytesMax: INVOKE_BYTES_MAX,
      tooLarge: () => errorReply("RequestTooLargeException", smallerThan(INVOKE_BYTES_MAX, "InvokeFunction")),
    };
  const bytesMax = WITH_CODE.has(operation) ? CODE_BYTES_MAX : BODY_BYTES_MAX;
  // AWS names 70167211 bytes for a request with code; the few more that are taken here do no harm.
  const named = bytesMax === CODE_BYTES_MAX ? 70_167_211 : bytesMax;
  return {
    bytesMax,
    tooLarge: () => errorReply("RequestEntityTooLargeException", smallerThan(named, operation)),
  };
}

function smallerThan(bytes: number, operation: string): string {
  return `Request must be smaller than ${bytes} bytes for the ${operation} operation`;
}
