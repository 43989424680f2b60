import { expect, it } from "vitest";
import { readTrace, withSegment } from "./trace.ts";

const ROOT = "1-5759e988-bd862e3fe1be46a994272793";
const PARENT = "53995c3f42cd8ad8";

it.each([
  [`Root=${ROOT};Parent=${PARENT};Sampled=1`, { root: ROOT, segmentId: PARENT, isSampled: true }],
  [`Sampled=1; Root=${ROOT}; Lineage=1:a87bd80c:0`, { root: ROOT, segmentId: null, isSampled: true }],
  [`Root=${ROOT};Parent=x;Sampled=?`, { root: ROOT, segmentId: null, isSampled: false }],
])("reads %s", (value, trace) => {
  expect(readTrace(value)).toEqual({ value, ...trace });
});

it.each([null, "", "Sampled=1", "Root=1-2-3;Sampled=1", "x"])("finds no trace in %s", (value) => {
  expect(readTrace(value)).toBeNull();
});

it("a segment of the function's own takes the place of the caller's, and nothing else changes", () => {
  const own = "0123456789abcdef";
  expect(withSegment(`Root=${ROOT};Parent=${PARENT};Sampled=1;Lineage=a:0`, own)).toBe(
    `Root=${ROOT};Parent=${own};Sampled=1;Lineage=a:0`,
  );
  expect(withSegment(`Root=${ROOT};Sampled=1`, own)).toBe(`Root=${ROOT};Parent=${own};Sampled=1`);
});
