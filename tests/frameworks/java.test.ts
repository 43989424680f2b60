// matrix: a publish and two clones for each framework
/**
 * Java's frameworks with SnapStart, each with a small application from tests/functions/frameworks/java. The invokes of
 * a published version are served by clones of its snapshot.
 */
import { describe, it } from "vitest";
import { JAVA_POWERTOOLS, JAVA_WEB } from "./packages.ts";
import { FrameworkFunctions, http, jsonLines } from "./published.ts";

const functions = new FrameworkFunctions();

const UUID = /^[0-9a-f-]{36}$/;

describe.each(JAVA_WEB)("$label", ({ files, options }) => {
  it("serves from clones, with a pool of connections from Init, hooks, and numbers of each clone's own", async ({
    expect,
  }) => {
    const version = await functions.publish(files(), options);
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
  const Variables = { POWERTOOLS_SERVICE_NAME: "pets", POWERTOOLS_METRICS_NAMESPACE: "tests" };
  // Its metrics ask 169.254.169.254 whether they are on EC2: no address that Init has found out.
  const version = await functions.publish(
    JAVA_POWERTOOLS.files(),
    { ...JAVA_POWERTOOLS.options, Environment: { Variables } },
    [],
  );
  const { payload, log } = await version.invoke({ id: "7" });
  expect(payload).toEqual({ id: "7" });
  const lines = jsonLines(log);
  expect(lines).toContainEqual(expect.objectContaining({ message: "read a pet", petId: "7", service: "pets" }));
  expect(lines).toContainEqual(expect.objectContaining({ Reads: 1, Service: "pets" }));
});
