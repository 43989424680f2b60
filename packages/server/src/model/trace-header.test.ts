import { expect, it } from "vitest";
import { headerOfRun, runsBefore } from "./trace-header.ts";

const ROOT = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";

it("a run is counted in its function's entry, and the rest of the header stays as it is", () => {
  const first = headerOfRun(ROOT, "f");
  expect(first).toMatch(
    /^Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=1:[0-9a-f]{8}:0$/,
  );
  expect(runsBefore(ROOT, "f")).toBe(0);
  expect(runsBefore(first, "f")).toBe(1);
  expect(runsBefore(first, "g")).toBe(0);
  const second = headerOfRun(first, "f");
  expect(second).toBe(first.replace(/:0$/, ":1"));
  const other = headerOfRun(second, "g");
  expect(other.match(/Lineage=/g)).toHaveLength(1);
  expect(runsBefore(other, "f")).toBe(2);
  expect(runsBefore(other, "g")).toBe(1);
});

it("the bar between entries may be encoded, as botocore does; what is no entry counts for nothing", () => {
  const both = headerOfRun(headerOfRun(ROOT, "f"), "g");
  expect(runsBefore(both.replaceAll("|", "%7C"), "f")).toBe(1);
  expect(runsBefore(`${ROOT};Lineage=nonsense|:::|1:zzzzzzzz:9`, "f")).toBe(0);
  expect(headerOfRun(";Lineage=;", "f")).toMatch(/^Lineage=1:[0-9a-f]{8}:0$/);
});

it("a chain of many functions does not grow without a limit", () => {
  let header = ROOT;
  for (let n = 0; n < 100; n++) header = headerOfRun(header, `f${n}`);
  expect(header.length).toBeLessThan(ROOT.length + 500);
  expect(runsBefore(header, "f99")).toBe(1);
  expect(runsBefore(header, "f0")).toBe(0);
});
