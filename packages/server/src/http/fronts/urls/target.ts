/**
 * Where a request to a function URL goes: by its host (`ID.lambda-url.REGION.ANYTHING`), or by a path of Thaw's own,
 * for clients that can't resolve such names (`/_thaw/url/ID/…`).
 */
import type { WireHead } from "../../wire-head.ts";

export interface UrlTarget {
  readonly urlId: string;
  /** Region in the host name; null where the path named the URL. */
  readonly region: string | null;
  /** The path that the function sees. */
  readonly path: string;
}

export const URL_PATH = "/_thaw/url/";
const HOST = /^([a-z0-9-]{1,64})\.lambda-url\.([a-z0-9-]{1,64})\.[a-z0-9.-]+$/;

/** Null where a request is for no function URL. */
export function targetOf({ hostName, path }: Pick<WireHead, "hostName" | "path">): UrlTarget | null {
  const [, urlId, region] = HOST.exec(hostName) ?? [];
  if (urlId !== undefined && region !== undefined) return { urlId, region, path: originForm(path) };
  if (!path.startsWith(URL_PATH)) return null;
  const rest = path.slice(URL_PATH.length);
  const end = rest.indexOf("/");
  return end === -1
    ? { urlId: rest, region: null, path: "/" }
    : { urlId: rest.slice(0, end), region: null, path: rest.slice(end) };
}

/** The path of a target that is a whole URL, as clients send it to a proxy. */
function originForm(path: string): string {
  if (path.startsWith("/")) return path;
  const authority = path.indexOf("://");
  const at = authority === -1 ? -1 : path.indexOf("/", authority + 3);
  return at === -1 ? "/" : path.slice(at);
}
