/**
 * Addresses of the console's views: the path says which, the query holds all of their state, so that a link can be sent
 * and the browser's Back works.
 */
export const BASE = "/_thaw/console/";

export const FUNCTION_TABS = [
  "invocations",
  "test",
  "logs",
  "versions",
  "compare",
  "check",
  "metrics",
  "configuration",
] as const;
export type FunctionTab = (typeof FUNCTION_TABS)[number];

export type Route =
  | { readonly view: "overview" | "logs" | "environments" | "stacks" | "snapshots" | "host" }
  | { readonly view: "stack"; readonly name: string }
  | { readonly view: "invocation"; readonly requestId: string }
  | { readonly view: "function"; readonly name: string; readonly tab: FunctionTab }
  | { readonly view: "nowhere"; readonly path: string };

const PLAIN = ["logs", "stacks", "environments", "snapshots", "host"] as const;

/** Reads a path of a browser's address. */
export function readRoute(pathname: string): Route {
  const path = pathname.startsWith(BASE) ? pathname.slice(BASE.length) : pathname;
  const parts = path.split("/").filter((part) => part !== "");
  const [first = "", second, third = "invocations"] = parts;
  if (first === "" || first === "index.html") return { view: "overview" };
  const plain = PLAIN.find((view) => view === first);
  if (plain !== undefined && parts.length === 1) return { view: plain };
  const name = second === undefined ? null : decoded(second);
  if (first === "i" && name !== null && parts.length === 2) return { view: "invocation", requestId: name };
  if (first === "stacks" && name !== null && parts.length === 2) return { view: "stack", name };
  const tab = FUNCTION_TABS.find((each) => each === third);
  if (first === "f" && name !== null && tab !== undefined && parts.length <= 3) return { view: "function", name, tab };
  return { view: "nowhere", path };
}

/** Writes the path of a view. */
export function pathOf(route: Exclude<Route, { view: "nowhere" }>): string {
  switch (route.view) {
    case "overview":
      return BASE;
    case "function":
      return `${BASE}f/${encodeURIComponent(route.name)}${route.tab === "invocations" ? "" : `/${route.tab}`}`;
    case "invocation":
      return `${BASE}i/${encodeURIComponent(route.requestId)}`;
    case "stack":
      return `${BASE}stacks/${encodeURIComponent(route.name)}`;
    case "logs":
    case "stacks":
    case "environments":
    case "snapshots":
    case "host":
      return `${BASE}${route.view}`;
  }
}

function decoded(part: string): string | null {
  try {
    return decodeURIComponent(part);
  } catch {
    return null;
  }
}
