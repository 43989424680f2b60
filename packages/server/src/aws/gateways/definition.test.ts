import { expect, it, vi } from "vitest";
import { parseDefinition } from "./definition.ts";

it("a definition in YAML has each key of a map once", () => {
  expect(parseDefinition("a: 1\nb: { a: 2, c: [3] }")).toEqual({ a: 1, b: { a: 2, c: [3] } });
  expect(() => parseDefinition("a: 1\nb: { a: 2, a: 3 }")).toThrow("Map keys must be unique: a");
  expect(() => parseDefinition("a: [")).toThrow("Unable to parse the definition");
});

it("the keys of a map are not compared with one another", () => {
  const looks = vi.spyOn(Array.prototype, "some");
  try {
    parseDefinition(Array.from({ length: 1000 }, (_, at) => `k${at}: 1`).join("\n"));
    const looked = looks.mock.contexts.reduce((sum: number, list) => sum + (list as unknown[]).length, 0);
    expect(looked).toBeLessThan(20_000);
  } finally {
    looks.mockRestore();
  }
});
