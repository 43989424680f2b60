import { expect, it } from "vitest";
import { compareChecks, type KeptCheck } from "./check-before.ts";

const check = (...titles: readonly string[]): KeptCheck => ({
  version: "1",
  headline: "",
  atMs: 0,
  findings: titles.map((title) => ({ id: "shared-value", title })),
  timing: { restoreMs: 1, firstInvokeMs: 1, nextInvokeMs: 1, primingSavesMs: null, withoutSnapshotMs: null },
});

it("tells what is new, and what has gone, also of one rule", () => {
  const { added, gone } = compareChecks(check("a token", "a seed"), check("a seed", "a file"));
  expect([[...added], gone]).toEqual([["shared-value a file"], ["a token"]]);
});

it("finds nothing between two that are the same", () => {
  expect(compareChecks(check("a", "b"), check("b", "a"))).toEqual({ added: new Set(), gone: [] });
});
