import { expect, it } from "vitest";
import { problemsOf } from "./host-problems.ts";

const GIB = 2 ** 30;
const WELL = {
  criuProblem: null,
  snapshotsProblem: null,
  network: { problem: null },
  disk: { freeBytes: 10 * GIB, sizeBytes: 100 * GIB },
};

it("says in a sentence each what keeps a host from its work", () => {
  expect(problemsOf(WELL)).toEqual([]);
  const ill = { criuProblem: "a", snapshotsProblem: "b", network: { problem: "c" } };
  expect(problemsOf({ ...ill, disk: { freeBytes: 4 * GIB, sizeBytes: 100 * GIB } })).toEqual([
    "CRIU can't be used here: a",
    "No snapshots: b",
    "No sandbox is made: c",
    "The disk is nearly full: 4.0 GiB free of 100 GiB",
  ]);
});
