import { it } from "vitest";
import { defaultFunctionName, isStackName, toStackName } from "./function-names.ts";

it.for([
  ["shop", "shop"],
  ["my_app", "my_app"],
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

it("shortens names that are too long for Lambda, and keeps them apart", ({ expect }) => {
  const stack = "s".repeat(80);
  const [one, other] = [defaultFunctionName(stack, "Orders"), defaultFunctionName(stack, "Stock")];
  expect([one?.length, other?.length].every((length) => (length ?? 99) <= 64)).toBe(true);
  expect(one).not.toBe(other);
  expect(defaultFunctionName("a", "B".repeat(200)).length).toBeLessThanOrEqual(64);
});
