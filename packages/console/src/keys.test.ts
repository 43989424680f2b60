import { expect, it, vi } from "vitest";

vi.stubGlobal("localStorage", { getItem: () => null });
const { GO_KEYS, KeyReader } = await import("./keys.ts");

it("goes to the view whose letter follows g", () => {
  for (const { key, view } of GO_KEYS) {
    const reader = new KeyReader();
    expect(reader.press("g", 0)).toBeNull();
    expect(reader.press(key, 100)).toMatchObject({ kind: "go", to: { view } });
  }
});

it("has a letter for one view only", () => {
  expect(new Set(GO_KEYS.map(({ key }) => key)).size).toBe(GO_KEYS.length);
});

it("takes a letter alone, one after another letter, and one that comes late for nothing", () => {
  const reader = new KeyReader();
  expect(reader.press("f", 0)).toBeNull();
  reader.press("g", 100);
  expect(reader.press("x", 200)).toBeNull();
  expect(reader.press("f", 300)).toBeNull();
  reader.press("g", 1000);
  expect(reader.press("f", 2501)).toBeNull();
  reader.press("g", 3000);
  reader.forget();
  expect(reader.press("f", 3001)).toBeNull();
});

it("begins anew with a second g, and knows the keys without a letter", () => {
  const reader = new KeyReader();
  reader.press("g", 0);
  reader.press("g", 1400);
  expect(reader.press("l", 2000)).toMatchObject({ kind: "go", to: { view: "logs" } });
  expect(reader.press("/", 2100)).toEqual({ kind: "filter" });
  expect(reader.press("?", 2200)).toEqual({ kind: "help" });
});
