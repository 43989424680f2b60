/** The head of a request as it was sent. The query is parsed from the same text that is signed, and only here. */
import { parseQuery, type RequestHead } from "@thaw/aws-api";

export interface WireHead {
  readonly method: string;
  /** Path as sent, percent-encoded. */
  readonly path: string;
  /** Name in the Host header, in lower case and without the port; empty where the header is missing or no host. */
  readonly hostName: string;
  readonly query: URLSearchParams;
  readonly headers: RequestHead["headers"];
  /** Each header with all its values, none joined or dropped. */
  readonly values: Readonly<Record<string, readonly string[]>>;
  /** Names and values in turn, as the client wrote them. */
  readonly rawHeaders: readonly string[];
  readonly connection: WireConnection;
  /** The parts that are signed. */
  readonly signed: RequestHead;
}

/** The connection that a request came on. */
export interface WireConnection {
  /** Such as HTTP/1.1. */
  readonly protocol: string;
  readonly remoteAddress: string;
}

const NO_CONNECTION: WireConnection = { protocol: "HTTP/1.1", remoteAddress: "" };

/** Splits a request target at its first `?`. */
export function readHead(
  method: string,
  url: string,
  headers: RequestHead["headers"],
  values: WireHead["values"] = {},
  connection: WireConnection = NO_CONNECTION,
  rawHeaders: readonly string[] = [],
): WireHead {
  const at = url.indexOf("?");
  const path = at === -1 ? url : url.slice(0, at);
  const query = at === -1 ? "" : url.slice(at + 1);
  const signed = { method, path, query, headers };
  return {
    method,
    path,
    hostName: hostNameOf(headers["host"]),
    query: parseQuery(query),
    headers,
    values,
    rawHeaders,
    connection,
    signed,
  };
}

/** The port is left out: behind a proxy, or where one is mapped, it is not the listener's. */
export function hostNameOf(host: string | string[] | undefined): string {
  if (typeof host !== "string") return "";
  const nameEnd = host.startsWith("[") ? host.indexOf("]") + 1 : host.indexOf(":");
  const end = nameEnd === -1 ? host.length : nameEnd;
  return /^(?::\d*)?$/.test(host.slice(end)) ? host.slice(0, end).toLowerCase() : "";
}
