/** S3 as a front: the operation and its input out of a request, and S3's answers and errors, whose form is its own. */
import type { Payload } from "@thaw/aws-api";
import {
  type ChunkedEnd,
  decodeChunked,
  isS3Host,
  type OperationName,
  pathWithBucket,
  type RestXmlMatch,
  S3,
  SerializationError,
} from "@thaw/aws-api/s3";
import { Readable } from "node:stream";
import { malformedXml, type S3Call, S3Error, statusOf } from "../../../aws/s3/create-s3.ts";
import type { Caller } from "../../../model/caller.ts";
import { ServiceError } from "../../../model/service-error.ts";
import { BodyError } from "../../body.ts";
import type { Reply } from "../../reply.ts";
import type { WireHead } from "../../wire-head.ts";
import type { Scopes } from "../../scopes.ts";
import { type FrontContext, signedOf } from "../front.ts";
import type { RefusingFront } from "../front-on-use.ts";
import { sourceOf } from "../source.ts";
import type { OnProblem } from "../thaw/front.ts";
import { checkDocument } from "./document.ts";
import { refusalOfHead } from "./refusals.ts";

/** A completion of 10,000 parts with their checksums has some 3 MiB. */
const DOCUMENT_BYTES_MAX = 4 * 1024 * 1024;
/** 5 GiB of content, and what its encoding adds: as many again for chunks of one byte would be too many. */
const STREAM_BYTES_MAX = 5.5 * 1024 ** 3;
/** Names of headers that a presigned link may have as parameters. Checksums there are of no content. */
const HOISTED =
  /^x-amz-(?!checksum-|sdk-checksum-|content-sha256$|date$|security-token$|credential$|expires$|signature$|signedheaders$|algorithm$)/;

export interface S3FrontParts {
  readonly scopes: Scopes;
  /** Whether an address is that of a proxy whose X-Forwarded headers are believed. */
  readonly isTrustedProxy: (address: string) => boolean;
  readonly onProblem: OnProblem;
}

export function createS3Front({ scopes, isTrustedProxy, onProblem }: S3FrontParts): RefusingFront {
  const { protocol } = S3;
  return {
    refuse: (problem, requestId, head) => errorReply(head, refusalOfHead(problem, homeRegionOf(scopes)), requestId),
    admit(head) {
      const request = requestOf(head);
      const match = protocol.match(request);
      if (match === null) return errorReply(head, noOperation(head), "");
      const run = (content: AsyncIterable<Buffer>, context: FrontContext, document: Buffer | null): Promise<Reply> =>
        answer(head, match, context.requestId, onProblem, async () => {
          const { caller, payload } = signedOf(context);
          const { s3: service } = await scopes.of(caller);
          const { sourceIp } = sourceOf(head, isTrustedProxy);
          const from = { ...caller, requestId: context.requestId, sourceIp };
          const { call, read } = callOf(head, payload, content, from);
          const input = protocol.readHead(match, request);
          if (document !== null) Object.assign(input, await readDocument(match.operation, head, read, call));
          return service(match.operation, input, call);
        });
      if (protocol.bodyOf(match.operation) === "stream")
        return {
          body: "stream",
          bytesMax: STREAM_BYTES_MAX,
          tooLarge: () => errorReply(head, tooLarge(), ""),
          serve: (body, context) => run(body as AsyncIterable<Buffer>, context, null),
        };
      return {
        body: "whole",
        bytesMax: DOCUMENT_BYTES_MAX,
        tooLarge: () => errorReply(head, tooLarge(), ""),
        serve: (body, context) => run(piecesOf(body), context, body),
      };
    },
  };
}

function homeRegionOf({ home }: Scopes): string {
  return home.control.scope.region;
}

/** The request as the protocol reads it: its bucket in the path, and the headers that a link has as parameters. */
function requestOf({ method, hostName, path, query, headers }: WireHead) {
  const hoisted = query.has("X-Amz-Signature") || query.has("AWSAccessKeyId");
  const inQuery = hoisted
    ? [...query].map(([name, value]) => [name.toLowerCase(), value] as const).filter(([name]) => HOISTED.test(name))
    : [];
  return {
    method,
    path: pathWithBucket(hostName, path),
    query,
    headers: { ...Object.fromEntries(inQuery), ...headers },
  };
}

function noOperation({ method, path }: WireHead): S3Error {
  return new S3Error("MethodNotAllowed", "The specified method is not allowed against this resource.", {
    elements: { Method: method, ResourceType: path.slice(0, 1024) },
  });
}

function tooLarge(): S3Error {
  return new S3Error("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size");
}

async function* piecesOf(body: Buffer): AsyncGenerator<Buffer> {
  if (body.length > 0) yield body;
}

type From = Pick<Caller, "accountId" | "region" | "userId"> & Pick<S3Call, "requestId" | "sourceIp">;

/** The request beside its input. `read` gives all of its content. */
function callOf(
  { headers, hostName, path }: WireHead,
  payload: Payload | null,
  body: AsyncIterable<Buffer>,
  { accountId, region, userId, requestId, sourceIp }: From,
): { readonly call: S3Call; readonly read: () => Promise<Buffer> } {
  let end: ChunkedEnd | null = null;
  const header = (name: string): string => String(headers[name] ?? "");
  const announced = header("x-amz-decoded-content-length");
  const checkEnd = (reached: ChunkedEnd): void => {
    if (announced !== "" && Number(announced) !== reached.sizeBytes)
      throw new SerializationError("the content is not as long as x-amz-decoded-content-length says");
    end = reached;
  };
  const content = payload?.kind === "chunked" ? decodeChunked(body, payload.signer, checkEnd) : body;
  return {
    call: {
      accountId,
      region,
      requestId,
      userId,
      sourceIp,
      content,
      trailers: () => end?.trailers ?? {},
      header,
      url: `${header("x-forwarded-proto") === "https" ? "https" : "http"}://${header("host") || hostName}${path}`,
    },
    async read() {
      const pieces: Buffer[] = [];
      for await (const piece of content) pieces.push(piece);
      return Buffer.concat(pieces);
    },
  };
}

async function readDocument(
  operation: OperationName,
  head: WireHead,
  read: () => Promise<Buffer>,
  call: S3Call,
): Promise<Record<string, unknown>> {
  const document = await read();
  await checkDocument(operation, document, head.headers, call.trailers());
  try {
    return S3.protocol.readBody(operation, document);
  } catch (error) {
    if (error instanceof SerializationError) throw malformedXml();
    throw error;
  }
}

/**
 * An object is anybody's text, and a link to one under a name of this host itself would open it as a page of the
 * console's origin, where its scripts could read the console's token. Browsers give a sandboxed page an origin of its
 * own; other clients do not look at the header. Buckets with host names of their own are apart already.
 */
function apartFromConsole(hostName: string): Reply["headers"] {
  return isS3Host(hostName) ? {} : { "Content-Security-Policy": "sandbox allow-scripts allow-forms allow-downloads" };
}

/** Forms the answer of an operation; what it throws becomes S3's error. */
async function answer(
  head: WireHead,
  { operation }: RestXmlMatch<OperationName>,
  requestId: string,
  onProblem: OnProblem,
  run: () => Promise<Readonly<Record<string, unknown>>>,
): Promise<Reply> {
  try {
    const { status: partial, ...output } = await run();
    const { status, headers, body } = S3.protocol.serializeOutput(operation, output);
    return {
      status: typeof partial === "number" ? partial : status,
      headers: { ...headers, ...idsOf(requestId), ...apartFromConsole(head.hostName) },
      body: body as Readable | Buffer,
    };
  } catch (error) {
    return errorReply(head, refusalOf(error, onProblem), requestId);
  }
}

function refusalOf(error: unknown, onProblem: OnProblem): ServiceError {
  if (error instanceof ServiceError) return error;
  if (error instanceof SerializationError)
    return new S3Error("InvalidRequest", `The request can't be read: ${error.message}.`);
  if (error instanceof BodyError) return refusalOfBody(error);
  onProblem("request", error);
  if ((error as NodeJS.ErrnoException | null)?.code === "ENOSPC")
    return new S3Error("QuotaExceeded", "The host's disk is full.");
  return new S3Error("InternalError", "We encountered an internal error. The server's log has the details.");
}

function refusalOfBody({ kind, message }: BodyError): S3Error {
  switch (kind) {
    case "too large":
      return tooLarge();
    case "no room":
      return new S3Error("SlowDown", message);
    case "cut off":
      return new S3Error("IncompleteBody", message);
    case "not signed":
      return new S3Error(
        "XAmzContentSHA256Mismatch",
        "The provided 'x-amz-content-sha256' header does not match what was computed.",
      );
  }
}

/** An answer to HEAD has no document, so its status alone has to say what is wrong. */
function errorReply(head: Pick<WireHead, "method">, error: ServiceError, requestId: string): Reply {
  const { headers, elements } = error instanceof S3Error ? error : { headers: {}, elements: {} };
  const status = head.method === "HEAD" && error.code === "NotImplemented" ? 404 : statusOf(error.code);
  const ids = { RequestId: requestId, HostId: requestId };
  const hasDocument = head.method !== "HEAD" && status !== 304;
  return {
    status,
    headers: { ...(hasDocument ? { "Content-Type": "application/xml" } : {}), ...headers, ...idsOf(requestId) },
    body: hasDocument ? S3.protocol.error(error.code, error.message, { ...elements, ...ids }) : Buffer.alloc(0),
  };
}

function idsOf(requestId: string): Record<string, string> {
  return requestId === "" ? {} : { "x-amz-request-id": requestId, "x-amz-id-2": requestId };
}
