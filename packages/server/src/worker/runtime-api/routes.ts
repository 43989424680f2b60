/** The routes of the Runtime API: which part of it a method and path mean. Extensions and telemetry add theirs here. */

/** A call of the runtime. */
export type RuntimeRoute =
  | {
      readonly kind: "runtime";
      readonly action: "invocation-next" | "init-error" | "restore-next" | "restore-error";
    }
  | { readonly kind: "runtime"; readonly action: "response" | "invocation-error"; readonly requestId: string };

export type Route = RuntimeRoute | { readonly kind: "credentials" | "ping" | "wrong-method" | "not-found" };

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
