import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "vitest";
import { readParameterOverrides } from "./parameter-overrides.ts";

const DECLARED = ["Stage", "Names", "Text"];

it.for([
  [["Stage=prod", "Names=a,b"], { Stage: "prod", Names: "a,b" }],
  [
    ["ParameterKey=Stage,ParameterValue=prod", "ParameterKey=Names,ParameterValue=a,b"],
    { Stage: "prod", Names: "a,b" },
  ],
  [["Stage=prod Names=a,b"], { Stage: "prod", Names: "a,b" }],
  [["ParameterKey=Stage,ParameterValue=prod ParameterKey=Names,ParameterValue=a"], { Stage: "prod", Names: "a" }],
  [["Text=hello big world"], { Text: "hello big world" }],
  [["Text=say x=1 Stage=dev"], { Text: "say x=1", Stage: "dev" }],
  [['Text="a Stage=b" Stage=dev'], { Text: "a Stage=b", Stage: "dev" }],
  [["Text='quoted'"], { Text: "quoted" }],
  [["Text="], { Text: "" }],
  [["Text=a=b=c"], { Text: "a=b=c" }],
  [["Unknown=1"], { Unknown: "1" }],
] as const)("reads %j", ([given, expected], { expect }) => {
  expect(readParameterOverrides(given, DECLARED)).toEqual(expected);
});

it.for(["Stage", "=x", "ParameterKey=Stage", "file:///nowhere.json"])(
  "refuses %s in a sentence",
  (given, { expect }) => {
    expect(() => readParameterOverrides([given], DECLARED)).toThrow(/expected NAME=VALUE|can't be read/);
  },
);

it.for([
  [[{ ParameterKey: "Stage", ParameterValue: "prod" }]],
  [["Stage=prod"]],
  [{ Parameters: { Stage: "prod" } }],
  [{ Stage: "prod" }],
])("reads a file with %j", ([document], { expect }) => {
  const folder = mkdtempSync(join(tmpdir(), "overrides-"));
  try {
    writeFileSync(join(folder, "p.json"), JSON.stringify(document));
    expect(readParameterOverrides([`file://${join(folder, "p.json")}`], DECLARED)).toEqual({ Stage: "prod" });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
