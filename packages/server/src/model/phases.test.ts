import { describe, it } from "vitest";
import { inOrder, PhaseRecorder } from "./phases.ts";

describe("PhaseRecorder", () => {
  it("shows durations and starts, also of phases that overlap or were measured elsewhere", ({ expect }) => {
    let nowMs = 1000;
    const recorder = new PhaseRecorder(() => nowMs);
    const endRestore = recorder.start("restore");
    const endEngine = recorder.start("engine");
    nowMs += 30;
    recorder.include(
      inOrder([
        ["mount", 5],
        ["criu", 20],
      ]),
      1000,
    );
    expect(endEngine()).toBe(30);
    nowMs += 12;
    expect(endRestore()).toBe(42);
    recorder.record({ name: "prefetch", startMs: 1010, durationMs: 90 });
    expect(recorder.show(1000)).toEqual({
      phases: { mount: 5, criu: 20, engine: 30, restore: 42, prefetch: 90 },
      phaseStarts: { mount: 0, criu: 5, engine: 0, restore: 0, prefetch: 10 },
    });
    expect(recorder.find("criu")).toEqual({ name: "criu", startMs: 1005, durationMs: 20 });
  });

  it("shows what was done ahead as before the start", ({ expect }) => {
    const recorder = new PhaseRecorder(() => 500);
    recorder.record({ name: "engine", startMs: 100, durationMs: 40 });
    expect(recorder.show(500).phaseStarts).toEqual({ engine: -400 });
  });

  it("refuses a name that is written twice", ({ expect }) => {
    const recorder = new PhaseRecorder(() => 0);
    const end = recorder.start("parked");
    end();
    expect(end).toThrow("phase parked was recorded twice");
    expect(() => recorder.include(inOrder([["parked", 1]]), 0)).toThrow("recorded twice");
    recorder.clear();
    expect(end()).toBe(0);
  });
});
