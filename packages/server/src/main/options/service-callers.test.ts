import { expect, it } from "vitest";
import { hostPorts } from "./host-ports.ts";
import { checkCallers, isCaller, listCallers, serviceCallers } from "./service-callers.ts";

const HOME = "000000000000";
const OTHER = "222222222222";
const read = (...lines: readonly string[]) => serviceCallers.parse("--allow-services", lines.join("\n"), null);

it("reads names, beginnings of names, and those of other accounts", () => {
  const lines = ["orders", "shop-*", `${OTHER}:shop-*`, `${OTHER}:*`];
  expect(listCallers(read(...lines))).toEqual(lines);
  expect(read()).toEqual([]);
});

it.for([
  ["orders", HOME, "orders", true],
  ["orders", HOME, "orders-2", false],
  ["orders", OTHER, "orders", false],
  ["shop-*", HOME, "shop-Provider-1", true],
  ["shop-*", HOME, "shop", false],
  [`${OTHER}:shop-*`, OTHER, "shop-1", true],
  [`${OTHER}:shop-*`, HOME, "shop-1", false],
  ["*", HOME, "anything", true],
  ["*", OTHER, "anything", false],
] as const)("%s: of %s %s %s", ([line, accountId, name, is]) => {
  expect(isCaller(read(line), HOME, { accountId }, name)).toBe(is);
});

it("nobody is named where nothing is", () => {
  expect(isCaller(read(), HOME, { accountId: HOME }, "orders")).toBe(false);
});

it.for(["a b", "sh*op", "**", `${OTHER}:`, "123:orders", `${OTHER}=orders`, "x".repeat(65)])("refuses %s", (line) => {
  expect(() => read(line)).toThrow("expected the name of a function");
});

it("refuses a service of the operator's at the same port", () => {
  const ports = (line: string) => hostPorts.parse("--allow-host", line, null);
  expect(() => checkCallers(read("a"), ports("b=127.0.0.1:80"))).toThrow("--allow-host 127.0.0.1:80 has");
  expect(() => checkCallers(read(), ports("127.0.0.1:80"))).not.toThrow();
  expect(() => checkCallers(read("a"), ports("127.0.0.1:8080"))).not.toThrow();
});
