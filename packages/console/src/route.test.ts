import { expect, it } from "vitest";
import { BASE, pathOf, readRoute, type Route } from "./route.ts";

const ROUTES: readonly Exclude<Route, { view: "nowhere" }>[] = [
  { view: "overview" },
  { view: "environments" },
  { view: "snapshots" },
  { view: "logs" },
  { view: "host" },
  { view: "stacks" },
  { view: "stack", name: "my-stack" },
  { view: "function", name: "my-function_1", tab: "invocations" },
  { view: "function", name: "my-function_1", tab: "versions" },
  { view: "function", name: "my-function_1", tab: "logs" },
  { view: "function", name: "my-function_1", tab: "compare" },
  { view: "invocation", requestId: "8f5a-1/x" },
  { view: "function", name: "a/b %?#ä", tab: "configuration" },
];

it.each(ROUTES)("reads what it writes: %o", (route) => {
  expect(readRoute(pathOf(route))).toEqual(route);
});

it.each(["f", "i", "i/a/b", "f/a/none", "f/a/versions/x", "host/x", "f/%E0%A4%A", "other", "stacks/a/b", "__proto__"])(
  "leads nowhere: %s",
  (path) => {
    expect(readRoute(`${BASE}${path}`).view).toBe("nowhere");
  },
);
