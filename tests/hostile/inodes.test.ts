// alone: attacks the host's files, and measures that a neighbour goes on in time
/**
 * Locks, leases and watches on files that all environments of a host show: the runtime's, the root's, the code's. Each
 * environment has inodes of its own, so that none meets another's, be it of another function, of the same one, a clone,
 * or a version that is being published.
 */
import { it } from "vitest";
import type { TestFunctions } from "../support/functions.ts";
import { type Neighbour, type Outcome, program, PROVIDED, publishOutcome, withNeighbour } from "./harness.ts";

let functions: TestFunctions;
let neighbour: Neighbour;
let holder: string;
withNeighbour(async (made, other) => {
  functions = made;
  neighbour = other;
  holder = await functions.create(FILES, PROVIDED);
});

/** The same package for all: its files lie on the host once. */
const FILES = { bootstrap: program("inodes"), shared: "a file of the package" };

const attempt = async (name: string, what: string, version?: string): Promise<Outcome> =>
  (await functions.invoke(name, { try: what }, version)).payload as Outcome;

it("another function, of the same package and runtime, takes the same locks", async ({ expect }) => {
  const other = await functions.create(FILES, PROVIDED);
  const held = await attempt(holder, "hold_all");
  expect(held.got).toBeGreaterThan(4);
  expect(await neighbour.during(attempt(other, "hold_all"))).toEqual(held);
  expect(await attempt(holder, "ranges")).toEqual({ got: true });
  expect(await neighbour.during(attempt(other, "ranges"))).toEqual({ got: true });
});

it("a publish that waits for the same locks, and its clones, do not wait", async ({ expect }) => {
  expect((await attempt(holder, "release_all")).got).toBe(0);
  const held = await attempt(holder, "hold_all");
  const options = { ...PROVIDED, Environment: { Variables: { HOLD: "1" } } };
  const name = await functions.createSnapStart(FILES, options);
  const { state, version } = await neighbour.during(publishOutcome(functions, name));
  expect(state).toBe("Active");
  const clones = await neighbour.during(
    Promise.all([attempt(name, "use", version), attempt(name, "use", version), attempt(name, "use", version)]),
  );
  expect(clones).toEqual([{ got: true }, { got: true }, { got: true }]);
  // The clones brought theirs along from Init.
  expect(await attempt(name, "hold_all", version)).toEqual({ refused: "EAGAIN" });
  expect(held.got).toBeGreaterThan(4);
  await functions.stopEnvironments(name);
});

it("a file of the platform can't be leased", async ({ expect }) => {
  expect(await attempt(holder, "lease")).toEqual({ refused: "EACCES" });
});

it("nobody sees what others do with the same files", async ({ expect }) => {
  const name = await functions.createSnapStart(FILES, PROVIDED);
  const version = await functions.publish(name);
  expect((await attempt(holder, "watch")).got).toBeGreaterThan(4);
  expect(await attempt(name, "use", version)).toEqual({ got: true });
  await neighbour.check();
  expect(await attempt(holder, "seen")).toEqual({ got: 0 });
  // Its own it does see.
  expect(await attempt(holder, "use")).toEqual({ got: true });
  expect((await attempt(holder, "seen")).got).toBeGreaterThan(0);
  await functions.stopEnvironments(name);
});
