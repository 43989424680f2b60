/** What the table of routes says of itself. */
import { expect, it } from "vitest";
import { PREFIX, PUBLIC_ROUTES } from "./prefix.ts";
import type { RouteForm } from "./route.ts";
import { ROUTES } from "./routes.ts";

const LASTING = "until the client leaves";

it("answers that may last until the client leaves are said to be endless, so that no client gives a silent one up", () => {
  const lasting = Object.entries<RouteForm>(ROUTES).filter(([, { about, query }]) =>
    [about, ...Object.values(query).map(({ description }) => description ?? "")].join(" ").includes(LASTING),
  );
  expect(lasting.map(([name]) => name)).toEqual(
    expect.arrayContaining(["readLogs", "followLogs", "followInvocations"]),
  );
  expect(lasting.filter(([, { isEndless }]) => isEndless !== true).map(([name]) => name)).toEqual([]);
});

it("the routes that are answered without a signature are those that the table says", () => {
  const said = Object.values<RouteForm>(ROUTES).filter(({ isPublic }) => isPublic === true);
  expect([...PUBLIC_ROUTES].toSorted()).toEqual(
    said.map(({ method, path }) => `${method} ${PREFIX}${path}`).toSorted(),
  );
});
