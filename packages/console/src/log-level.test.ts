import { expect, it } from "vitest";
import { levelNamed, readLevel } from "./log-level.ts";

it("finds the level where runtimes and loggers write it", () => {
  const id = "8f5d7a52-2b1c-4a55-9a8e-0d5a4b6c7d8e";
  for (const [text, word] of [
    [`2026-11-30T09:00:00.000Z\t${id}\tINFO\tpaid`, "info"],
    [`[WARNING]\t2026-11-30T09:00:00.000Z\t${id}\tslow`, "warning"],
    ["ERROR: no such order", "error"],
    ["2026-11-30 09:00:00,000 SEVERE it broke", "error"],
    ["CRITICAL", "fatal"],
    ["[DEBUG]: x", "debug"],
  ] as const)
    expect(readLevel(text)?.word, text).toBe(word);
});

it("takes no word of a sentence for one", () => {
  for (const text of [
    "",
    "an error came",
    "there was an ordinary long ERROR",
    "ERRORS",
    "Warning is a word",
    "INFORMATION",
  ])
    expect(readLevel(text), text).toBeNull();
});

it("reads the level of a structured line in any case", () => {
  expect(levelNamed("warn")?.letter).toBe("W");
  expect(levelNamed("Error")?.letter).toBe("E");
  expect(levelNamed("constructor")).toBeNull();
});

it("shows no letter that is the letter of a writer", () => {
  for (const name of ["trace", "debug", "info", "warn", "error", "fatal", "critical"])
    expect(["P", "F", "C"]).not.toContain(levelNamed(name)?.letter);
});
