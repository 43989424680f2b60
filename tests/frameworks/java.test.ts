// matrix: a publish and two clones for each framework
/**
 * Java's frameworks with SnapStart, each with a small application from tests/functions/frameworks/java. The invokes of
 * a published version are served by clones of its snapshot.
 */
import { join } from "node:path";
import { describe, it } from "vitest";
import { BUILT, FrameworkFunctions, filesBelow, http, jsonLines, type Published } from "./published.ts";

const functions = new FrameworkFunctions();

function java(
  framework: string,
  Handler: string,
  Variables: Readonly<Record<string, string>> = {},
): Promise<Published> {
  const files = filesBelow(join(BUILT, "java", framework));
  return functions.publish(files, { Runtime: "java17", Handler, MemorySize: 1_024, Environment: { Variables } });
}

const UUID = /^[0-9a-f-]{36}$/;

describe.each([
  ["Spring Boot 4", "spring4", "frameworks.Handler"],
  ["Micronaut", "micronaut", "io.micronaut.function.aws.proxy.payload2.APIGatewayV2HTTPEventFunction"],
  ["Quarkus", "quarkus", "io.quarkus.amazon.lambda.runtime.QuarkusStreamHandler::handleRequest"],
])("%s", (_name, folder, handler) => {
  it("serves from clones, with a pool of connections from Init, hooks, and numbers of each clone's own", async ({
    expect,
  }) => {
    const version = await java(folder, handler);
    expect(await http(version, "GET", "/pets/1")).toMatchObject({ status: 200, body: { name: "Rex" } });
    const created = await http(version, "POST", "/pets", { name: "Mia" });
    expect(created).toMatchObject({ status: 201, body: { id: expect.stringMatching(UUID) } });
    expect(await http(version, "GET", "/pets/9")).toMatchObject({ status: 404 });
    const one = (await http(version, "GET", "/life")).body as { events: string[]; random: number };
    await version.endClones();
    const another = (await http(version, "GET", "/life")).body as typeof one;
    expect([one.events, another.events]).toEqual([
      ["start", "stop", "start"],
      ["start", "stop", "start"],
    ]);
    expect(one.random).not.toBe(another.random);
  });
});

it("Powertools: logging and metrics", async ({ expect }) => {
  const version = await java("powertools", "frameworks.Handler", {
    POWERTOOLS_SERVICE_NAME: "pets",
    POWERTOOLS_METRICS_NAMESPACE: "tests",
  });
  const { payload, log } = await version.invoke({ id: "7" });
  expect(payload).toEqual({ id: "7" });
  const lines = jsonLines(log);
  expect(lines).toContainEqual(expect.objectContaining({ message: "read a pet", petId: "7", service: "pets" }));
  expect(lines).toContainEqual(expect.objectContaining({ Reads: 1, Service: "pets" }));
});
