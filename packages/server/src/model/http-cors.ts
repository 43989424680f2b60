/** What a function URL tells browsers of other origins, by the `Cors` of its configuration. */
import type { UrlCors } from "./url-cors.ts";

type CorsHeaders = Readonly<Record<string, string>>;

/** A request of a browser that asks before it sends another one. */
export interface Preflight {
  readonly origin: string;
}

/** Reads a preflight; null where a request is another one. */
export function readPreflight(method: string, headers: Readonly<Record<string, readonly string[]>>): Preflight | null {
  const [origin] = headers["origin"] ?? [];
  const isAsking = headers["access-control-request-method"] !== undefined;
  return method === "OPTIONS" && origin !== undefined && isAsking ? { origin } : null;
}

/** Headers of the answer to a preflight. */
export function preflightHeaders(cors: UrlCors, origin: string): CorsHeaders {
  const common = originHeaders(cors, origin);
  if (common === null) return {};
  return {
    ...common,
    ...listed("access-control-allow-methods", cors.AllowMethods),
    ...listed("access-control-allow-headers", cors.AllowHeaders),
    ...(cors.MaxAge === undefined ? {} : { "access-control-max-age": String(cors.MaxAge) }),
  };
}

/** Headers of the answer to any other request; none where the request has no origin, or another one. */
export function answerHeaders(cors: UrlCors | null, origin: string | undefined): CorsHeaders {
  const common = cors === null || origin === undefined ? null : originHeaders(cors, origin);
  if (cors === null || common === null) return {};
  return { ...common, ...listed("access-control-expose-headers", cors.ExposeHeaders) };
}

/** Null where the origin is not one of those that are allowed. */
function originHeaders(cors: UrlCors, origin: string): CorsHeaders | null {
  const allowed = cors.AllowOrigins ?? [];
  const isAny = allowed.includes("*");
  if (!isAny && !allowed.includes(origin)) return null;
  return {
    "access-control-allow-origin": isAny ? "*" : origin,
    ...(isAny ? {} : { vary: "Origin" }),
    ...(cors.AllowCredentials === true ? { "access-control-allow-credentials": "true" } : {}),
  };
}

function listed(name: string, values: readonly string[] | undefined): CorsHeaders {
  return values === undefined || values.length === 0 ? {} : { [name]: values.join(",") };
}
