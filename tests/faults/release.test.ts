/**
 * Fault points and the modes of stock CRIU are in test builds only: nothing of them is in the programs that are
 * released, nor in the packages.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, it } from "vitest";
import { REPOSITORY } from "../../tools/thaw-server.ts";
import { BUILD_TIMEOUT_MS, buildFaultBinaries } from "./fault-build.ts";
import { POINTS, processOf } from "./matrix.ts";

const TARGET = join(REPOSITORY, "target/x86_64-unknown-linux-gnu");
const PROGRAMS = { sandboxd: "thaw-sandboxd", pager: "thaw-pager" } as const;

beforeAll(buildFaultBinaries, BUILD_TIMEOUT_MS);

function namesIn(program: string, names: readonly string[]): string[] {
  const bytes = readFileSync(join(TARGET, program));
  return names.filter((name) => bytes.includes(name));
}

it.for(["sandboxd", "pager"] as const)(
  "%s has its points in the test build, and none in the release",
  (who, { expect }) => {
    const names = [...POINTS.filter((point) => processOf(point) === who), "THAW_FAULTS"];
    expect(names.length).toBeGreaterThan(3);
    expect(namesIn(`faults/${PROGRAMS[who]}`, names)).toEqual(names);
    expect(namesIn(`release/${PROGRAMS[who]}`, names)).toEqual([]);
  },
);

it("sandboxd has stock CRIU's modes in the test build, and none in the release", ({ expect }) => {
  const names = ["THAW_BENCH_MEMORY", "stock-eager", "stock-lazy"];
  expect(namesIn(`faults/${PROGRAMS.sandboxd}`, names)).toEqual(names);
  expect(namesIn(`release/${PROGRAMS.sandboxd}`, names)).toEqual([]);
});

it("the packages do not know of them", ({ expect }) => {
  const packages = join(REPOSITORY, "packages");
  const files = readdirSync(packages, { recursive: true, encoding: "utf8" }).filter(
    (name) => /\.(ts|mjs)$/.test(name) && !name.includes("node_modules"),
  );
  expect(files.length).toBeGreaterThan(150);
  expect(
    files.filter((name) =>
      /THAW_FAULTS|THAW_BENCH_MEMORY|fault[- ]?point|stock-(eager|lazy)/i.test(
        readFileSync(join(packages, name), "utf8"),
      ),
    ),
  ).toEqual([]);
});
