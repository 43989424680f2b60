import { it } from "vitest";
import { parseRoute } from "./routes.ts";

it.for([
  ["GET", "/2018-06-01/runtime/invocation/next", { kind: "runtime", action: "invocation-next" }],
  ["GET", "/2018-06-01/runtime/invocation/next?x=1", { kind: "runtime", action: "invocation-next" }],
  ["POST", "/2018-06-01/runtime/invocation/next", { kind: "wrong-method" }],
  ["POST", "/2018-06-01/runtime/invocation/r-1/response", { kind: "runtime", action: "response", requestId: "r-1" }],
  [
    "POST",
    "/2018-06-01/runtime/invocation/r-1/error",
    { kind: "runtime", action: "invocation-error", requestId: "r-1" },
  ],
  ["GET", "/2018-06-01/runtime/invocation/r-1/error", { kind: "wrong-method" }],
  ["POST", "/2018-06-01/runtime/invocation/a/b/error", { kind: "not-found" }],
  ["POST", "/2018-06-01/runtime/init/error", { kind: "runtime", action: "init-error" }],
  ["GET", "/2018-06-01/runtime/restore/next", { kind: "runtime", action: "restore-next" }],
  ["GET", "/2021-04-23/credentials", { kind: "credentials" }],
  ["GET", "/2026-01-15/metadata/execution-environment", { kind: "metadata" }],
  ["POST", "/2026-01-15/metadata/execution-environment", { kind: "wrong-method" }],
  ["GET", "/2018-06-01/ping", { kind: "ping" }],
  ["POST", "/2020-01-01/extension/register", { kind: "extension", action: "register" }],
] as const)("%s %s", ([method, path, route], { expect }) => {
  expect(parseRoute(method, path, true)).toEqual(route);
});

it.for(["/2018-06-01/runtime/restore/next", "/2021-04-23/credentials"])(
  "without SnapStart there is no %s",
  (path, { expect }) => {
    expect(parseRoute("GET", path, false)).toEqual({ kind: "not-found" });
  },
);
