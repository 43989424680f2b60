/** The head of a request as it was sent. The query is parsed from the same text that is signed, and only here. */
import { parseQuery, type RequestHead } from "@thaw/aws-api";

export interface WireHead {
  readonly method: string;
  /** Path as sent, percent-encoded. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: RequestHead["headers"];
  /** The parts that are signed. */
  readonly signed: RequestHead;
}

/** Splits a request target at its first `?`. */
export function readHead(method: string, url: string, headers: RequestHead["headers"]): WireHead {
  const at = url.indexOf("?");
  const path = at === -1 ? url : url.slice(0, at);
  const query = at === -1 ? "" : url.slice(at + 1);
  return { method, path, query: parseQuery(query), headers, signed: { method, path, query, headers } };
}
