/** The routes of the Runtime API: which part of it a method and path mean. */

/** A call of the runtime. */
export type RuntimeRoute =
  | {
      readonly kind: "runtime";
      readonly action: "invocation-next" | "init-error" | "restore-next" | "restore-error";
    }
  | { readonly kind: "runtime"; readonly action: "response" | "invocation-error"; readonly requestId: string };

/** A call of an extension. */
export interface ExtensionRoute {
  readonly kind: "extension";
  readonly action: "register" | "event-next" | "init-error" | "exit-error";
}

/** A subscription to telemetry. */
export interface SubscriptionRoute {
  readonly kind: "subscription";
  readonly api: "telemetry" | "logs";
}

export type Route =
  | RuntimeRoute
  | ExtensionRoute
  | SubscriptionRoute
  | { readonly kind: "credentials" | "metadata" | "ping" | "wrong-method" | "not-found" };

interface FixedRoute {
  readonly method: string;
  readonly route: Route;
  readonly needsSnapStart: boolean;
}

function fixed(method: string, route: Route, needsSnapStart = false): FixedRoute {
  return { method, route, needsSnapStart };
}

const FIXED: ReadonlyMap<string, FixedRoute> = new Map([
  ["/2018-06-01/runtime/invocation/next", fixed("GET", { kind: "runtime", action: "invocation-next" })],
  ["/2018-06-01/runtime/init/error", fixed("POST", { kind: "runtime", action: "init-error" })],
  ["/2020-01-01/extension/register", fixed("POST", { kind: "extension", action: "register" })],
  ["/2020-01-01/extension/event/next", fixed("GET", { kind: "extension", action: "event-next" })],
  ["/2020-01-01/extension/init/error", fixed("POST", { kind: "extension", action: "init-error" })],
  ["/2020-01-01/extension/exit/error", fixed("POST", { kind: "extension", action: "exit-error" })],
  ["/2022-07-01/telemetry", fixed("PUT", { kind: "subscription", api: "telemetry" })],
  ["/2020-08-15/logs", fixed("PUT", { kind: "subscription", api: "logs" })],
  ["/2026-01-15/metadata/execution-environment", fixed("GET", { kind: "metadata" })],
  ["/2018-06-01/ping", fixed("GET", { kind: "ping" })],
  ["/2018-06-01/runtime/restore/next", fixed("GET", { kind: "runtime", action: "restore-next" }, true)],
  ["/2018-06-01/runtime/restore/error", fixed("POST", { kind: "runtime", action: "restore-error" }, true)],
  ["/2021-04-23/credentials", fixed("GET", { kind: "credentials" }, true)],
]);

const INVOCATION = /^\/2018-06-01\/runtime\/invocation\/([^/]+)\/(response|error)$/;

/** Finds the route of a call. The restore and credentials routes exist only with SnapStart. */
export function parseRoute(method: string, path: string, isSnapStart: boolean): Route {
  const query = path.indexOf("?");
  const plain = query === -1 ? path : path.slice(0, query);
  const known = FIXED.get(plain);
  if (known !== undefined) {
    if (known.needsSnapStart && !isSnapStart) return { kind: "not-found" };
    return known.method === method ? known.route : { kind: "wrong-method" };
  }
  const match = INVOCATION.exec(plain);
  if (match === null) return { kind: "not-found" };
  if (method !== "POST") return { kind: "wrong-method" };
  const action = match[2] === "response" ? "response" : "invocation-error";
  return { kind: "runtime", action, requestId: match[1] ?? "" };
}
