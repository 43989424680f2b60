import { it } from "vitest";
import { isStackName, toStackName } from "./stack-names.ts";

it.for([
  ["shop", "shop"],
  ["my_app", "my-app"],
  ["my app (2)", "my-app-2"],
  ["café", "cafe"],
  ["2024-demo", "stack-2024-demo"],
  ["日本", "stack"],
  ["...", "stack"],
  ["x".repeat(300), "x".repeat(122)],
] as const)("makes of the folder %s the stack %s", ([folder, expected], { expect }) => {
  expect(toStackName(folder)).toBe(expected);
  expect(isStackName(toStackName(folder))).toBe(true);
});
