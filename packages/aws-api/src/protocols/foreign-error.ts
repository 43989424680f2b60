/**
 * Errors in the protocol that a request to any AWS service speaks, known by its head alone: so that its client shows
 * the message, and not the failure of its parser.
 */
import type { Headers } from "../signature/canonical.ts";
import type { WireResponse } from "./rest-json.ts";
import { escapeXml } from "./xml.ts";

/** https://smithy.io/2.0/aws/protocols/index.html */
export type WireProtocol = "rest-json" | "json" | "query" | "ec2" | "rest-xml" | "s3" | "cbor";

export interface ForeignHead {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Headers;
}

export interface ForeignRequest {
  /** Name of the service in the scope of its signature; null where it is not signed. */
  readonly service: string | null;
  readonly protocol: WireProtocol;
}

const SERVICE = /^[a-z][a-z0-9-]{0,39}$/;
const CREDENTIAL = /Credential=([^,\s]{1,300})/;
/** Services whose protocol is XML over REST. */
const REST_XML = new Set(["cloudfront", "route53", "s3-outposts"]);
const S3 = new Set(["s3", "s3express", "s3-object-lambda"]);

/** Reads what a request's head says of its service; null where it says nothing. */
export function readForeign(head: ForeignHead): ForeignRequest | null {
  const service = serviceOf(head);
  const protocol = protocolOf(head, service);
  return protocol === null ? null : { service, protocol };
}

/** The service of the signature's scope, which is not verified. */
function serviceOf({ headers, query }: ForeignHead): string | null {
  const authorization = textOf(headers["authorization"]);
  // Signature version 2, which only old clients of S3 speak.
  if (authorization.startsWith("AWS ")) return "s3";
  const credential = CREDENTIAL.exec(authorization)?.[1] ?? query.get("X-Amz-Credential") ?? "";
  const service = credential.split("/").at(-2) ?? "";
  return SERVICE.test(service) ? service : null;
}

function protocolOf({ method, path, query, headers }: ForeignHead, service: string | null): WireProtocol | null {
  if (textOf(headers["smithy-protocol"]) === "rpc-v2-cbor") return "cbor";
  if (headers["x-amz-target"] !== undefined) return "json";
  const isForm = textOf(headers["content-type"]).startsWith("application/x-www-form-urlencoded");
  if ((method === "POST" && path === "/" && isForm) || query.has("Action")) return service === "ec2" ? "ec2" : "query";
  if (service === null) return null;
  if (S3.has(service)) return "s3";
  return REST_XML.has(service) ? "rest-xml" : "rest-json";
}

/**
 * Writes an error of the client's, which no client tries again. A HEAD request of S3 gets a 404, since an answer to it
 * has no message: tools that look for an object before they store it go on to a request that shows theirs.
 */
export function foreignError(protocol: WireProtocol, head: ForeignHead, code: string, message: string): WireResponse {
  return errorOf(protocol, head, protocol === "s3" && head.method === "HEAD" ? 404 : 400, { code, message });
}

/** Writes a failure of the server's own, under the code that each protocol's services have for it. */
export function foreignFault(protocol: WireProtocol, head: ForeignHead, message: string): WireResponse {
  const code = protocol === "s3" || protocol === "ec2" ? "InternalError" : "InternalFailure";
  return errorOf(protocol, head, 500, { code, message });
}

interface ForeignError {
  readonly code: string;
  readonly message: string;
}

function errorOf(
  protocol: WireProtocol,
  head: ForeignHead,
  status: number,
  { code, message }: ForeignError,
): WireResponse {
  const xml = `<Code>${escapeXml(code)}</Code><Message>${escapeXml(message)}</Message>`;
  const type = status >= 500 ? "Receiver" : "Sender";
  switch (protocol) {
    case "s3":
      return { status, ...xmlBody(`<Error>${xml}</Error>`) };
    case "ec2":
      return { status, ...xmlBody(`<Response><Errors><Error>${xml}</Error></Errors></Response>`) };
    case "query":
    case "rest-xml":
      return { status, ...xmlBody(`<ErrorResponse><Error><Type>${type}</Type>${xml}</Error></ErrorResponse>`) };
    case "cbor":
      return {
        status,
        headers: { "Content-Type": "application/cbor", "smithy-protocol": "rpc-v2-cbor" },
        body: cborMap({ __type: code, message }),
      };
    case "json": {
      const version = textOf(head.headers["content-type"]).includes("json-1.0") ? "1.0" : "1.1";
      return { status, ...jsonBody(`application/x-amz-json-${version}`, { __type: code, message }) };
    }
    case "rest-json": {
      const { headers, body } = jsonBody("application/json", { message });
      return { status, headers: { ...headers, "X-Amzn-ErrorType": code }, body };
    }
  }
}

type Answer = Pick<WireResponse, "headers" | "body">;

function xmlBody(document: string): Answer {
  const body = Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>\n${document}`);
  return { headers: { "Content-Type": "text/xml" }, body };
}

function jsonBody(contentType: string, value: unknown): Answer {
  return { headers: { "Content-Type": contentType }, body: Buffer.from(JSON.stringify(value)) };
}

/** Writes a map of a few texts in CBOR (RFC 8949). */
function cborMap(value: Readonly<Record<string, string>>): Buffer {
  const entries = Object.entries(value);
  return Buffer.concat([
    Buffer.from([0xa0 | entries.length]),
    ...entries.flatMap(([name, text]) => [cborText(name), cborText(text)]),
  ]);
}

/** Major type 3, with a length of two bytes. */
function cborText(text: string): Buffer {
  const bytes = Buffer.from(text, "utf8");
  const head = Buffer.from([0x79, 0, 0]);
  head.writeUInt16BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

function textOf(value: string | string[] | undefined): string {
  return typeof value === "string" ? value : "";
}
