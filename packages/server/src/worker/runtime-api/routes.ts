/** Which call of the Runtime API a method and path mean. The Extensions API will add its kinds here. */
export type RuntimeRoute =
  | { readonly kind: "invocation-next" | "init-error" | "restore-next" | "restore-error" | "credentials" | "ping" }
  | { readonly kind: "response" | "invocation-error"; readonly requestId: string }
  | { readonly kind: "wrong-method" }
  | { readonly kind: "not-found" };

const FIXED: ReadonlyMap<
  string,
  { readonly method: string; readonly route: RuntimeRoute; readonly needsSnapStart: boolean }
> = new Map([
  ["/2018-06-01/runtime/invocation/next", { method: "GET", route: { kind: "invocation-next" }, needsSnapStart: false }],
  ["/2018-06-01/runtime/init/error", { method: "POST", route: { kind: "init-error" }, needsSnapStart: false }],
  ["/2018-06-01/ping", { method: "GET", route: { kind: "ping" }, needsSnapStart: false }],
  ["/2018-06-01/runtime/restore/next", { method: "GET", route: { kind: "restore-next" }, needsSnapStart: true }],
  ["/2018-06-01/runtime/restore/error", { method: "POST", route: { kind: "restore-error" }, needsSnapStart: true }],
  ["/2021-04-23/credentials", { method: "GET", route: { kind: "credentials" }, needsSnapStart: true }],
] as const);

const INVOCATION = /^\/2018-06-01\/runtime\/invocation\/([^/]+)\/(response|error)$/;

/** The restore and credentials routes exist only with SnapStart. */
export function parseRuntimeRoute(method: string, path: string, snapStart: boolean): RuntimeRoute {
  const query = path.indexOf("?");
  const plain = query === -1 ? path : path.slice(0, query);
  const fixed = FIXED.get(plain);
  if (fixed !== undefined) {
    if (fixed.needsSnapStart && !snapStart) return { kind: "not-found" };
    return fixed.method === method ? fixed.route : { kind: "wrong-method" };
  }
  const match = INVOCATION.exec(plain);
  if (match === null) return { kind: "not-found" };
  if (method !== "POST") return { kind: "wrong-method" };
  return { kind: match[2] === "response" ? "response" : "invocation-error", requestId: match[1] ?? "" };
}
