// alone: attacks the host's files, as root copies them
/**
 * What a function leaves in /tmp before its snapshot, which root copies: links out, odd names, devices, endless depth
 * and size. Each is the same in the clone, or the version fails with a reason; and nothing of the host is read, written
 * or copied on the way.
 */
import { it } from "vitest";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import type { TestFunctions } from "../support/functions.ts";
import { type Neighbour, program, PROVIDED, publishOutcome, withNeighbour } from "./harness.ts";

let functions: TestFunctions;
let neighbour: Neighbour;
withNeighbour((made, other) => {
  functions = made;
  neighbour = other;
});

const digestOf = (path: string): string =>
  existsSync(path) ? createHash("sha256").update(readFileSync(path)).digest("hex") : "";

/** Where the platform may refuse: the kernel's own limits on paths, or sizes that no snapshot should have. */
const MAY_FAIL = new Set(["names_not_utf8", "deep", "sparse", "many"]);

it.each([
  "symlinks",
  "hard_links",
  "special_files",
  "attributes",
  "odd_names",
  "names_not_utf8",
  "deep",
  "many",
  "replaced",
  "replaced_directory",
  "deleted",
  "sparse",
])("%s", async (CASE) => {
  const host = ["/etc/shadow", "/etc/passwd"].map(digestOf);
  const name = await functions.createSnapStart(
    { bootstrap: program("tmp") },
    { ...PROVIDED, Environment: { Variables: { CASE } } },
  );
  const published = await neighbour.during(publishOutcome(functions, name, 45_000));
  if (published.state === "Active") {
    const { payload } = await functions.invoke(name, {}, published.version);
    const kept = CASE.startsWith("replaced") || CASE === "deleted" ? "mine" : null;
    const expected = JSON.stringify({ same: true, kept, leaks: [], users: 3 });
    if (JSON.stringify(payload) !== expected) throw new Error(JSON.stringify(payload));
    await functions.stopEnvironments(name);
    // A second time: the snapshot is as good as it was.
    const again = await functions.invoke(name, {}, published.version);
    if (JSON.stringify(again.payload) !== expected) throw new Error(JSON.stringify(again.payload));
  } else if (!MAY_FAIL.has(CASE) || published.reason === undefined || published.reason === "")
    throw new Error(JSON.stringify(published));
  if (JSON.stringify(["/etc/shadow", "/etc/passwd"].map(digestOf)) !== JSON.stringify(host))
    throw new Error("a file of the host was changed");
  await neighbour.check();
});

it("a list of /tmp that is too large fails its own publish, with that reason", async ({ expect }) => {
  const name = await functions.createSnapStart(
    { bootstrap: program("tmp") },
    { ...PROVIDED, Environment: { Variables: { CASE: "many_deep_links" } } },
  );
  const published = await neighbour.during(publishOutcome(functions, name, 45_000));
  expect(published).toMatchObject({ state: "Failed", reason: expect.stringContaining("too many files in /tmp") });
  await neighbour.check();
});
