/**
 * Function URLs and HTTP APIs have host names of their own (`ID.LABEL.REGION.ANYTHING`). They are found by that, or by
 * a path of Thaw's for clients that can't resolve such names.
 */
import type { WireHead } from "../wire-head.ts";

export interface HostTarget {
  readonly id: string;
  /** Region in the host name; null where the path named the thing. */
  readonly region: string | null;
  /** The path that is left for it. */
  readonly path: string;
}

/** The path for each label. */
export const HOST_PATHS = { "lambda-url": "/_thaw/url/", "execute-api": "/_thaw/api/" } as const;
export type HostLabel = keyof typeof HOST_PATHS;

const HOST = /^([a-z0-9-]{1,64})\.([a-z0-9-]{1,64})\.([a-z0-9-]{1,64})\.[a-z0-9.-]+$/;

/** Null where a request is for nothing of this label. */
export function hostTargetOf(
  { hostName, path }: Pick<WireHead, "hostName" | "path">,
  label: HostLabel,
): HostTarget | null {
  const [, id, found, region] = HOST.exec(hostName) ?? [];
  if (id !== undefined && region !== undefined && found === label) return { id, region, path: originForm(path) };
  const prefix = HOST_PATHS[label];
  if (!path.startsWith(prefix)) return null;
  const rest = path.slice(prefix.length);
  const end = rest.indexOf("/");
  return end === -1
    ? { id: rest, region: null, path: "/" }
    : { id: rest.slice(0, end), region: null, path: rest.slice(end) };
}

/** The path of a target that is a whole URL, as clients send it to a proxy. */
function originForm(path: string): string {
  if (path.startsWith("/")) return path;
  const authority = path.indexOf("://");
  const at = authority === -1 ? -1 : path.indexOf("/", authority + 3);
  return at === -1 ? "/" : path.slice(at);
}
