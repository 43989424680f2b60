import { expect, it } from "vitest";
import { type Page, pageOf, placeOfVersion } from "./pages.ts";

interface Item {
  readonly version: string;
}

const itemsOf = (versions: readonly string[]): readonly Item[] => versions.map((version) => ({ version }));

function page(versions: readonly string[], marker?: string, maxItems = 2, list = "versions f"): Page<Item> {
  const paged = { list, all: itemsOf(versions), placeOf: (item: Item) => [placeOfVersion(item)] };
  return pageOf(paged, { MaxItems: maxItems, ...(marker === undefined ? {} : { Marker: marker }) });
}

const ALL = ["$LATEST", "1", "2", "9", "10"];
const shown = ({ items }: Page<Item>): readonly string[] => items.map(({ version }) => version);

it("goes through a list page by page, by number and not by text", () => {
  const first = page(ALL);
  const second = page(ALL, first.nextMarker);
  const third = page(ALL, second.nextMarker);
  expect([first, second, third].map(shown)).toEqual([["$LATEST", "1"], ["2", "9"], ["10"]]);
  expect(third.nextMarker).toBeUndefined();
});

it.for([
  [["1"], ["2", "9"]],
  [["1", "2", "9"], ["10"]],
  [["1", "2", "9", "10"], []],
  [["$LATEST"], ["2", "9"]],
] as const)("goes on where it was though %j have gone meanwhile", ([gone, next]) => {
  const { nextMarker } = page(ALL);
  const left = ALL.filter((version) => !(gone as readonly string[]).includes(version));
  expect(shown(page(left, nextMarker))).toEqual(next);
});

it("has no more than 50 items, however many are wanted", () => {
  const many = Array.from({ length: 120 }, (_, index) => String(index + 1));
  const first = page(many, undefined, 10_000);
  expect(first.items).toHaveLength(50);
  expect(shown(page(many, first.nextMarker, 10_000))[0]).toBe("51");
  expect(page(many.slice(0, 50), undefined, 10_000).nextMarker).toBeUndefined();
});

const marker = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

it.for([
  ["nonsense", "x"],
  ["empty", ""],
  ["no base64", "%%%"],
  ["no JSON", Buffer.from("{").toString("base64url")],
  ["no list", marker("versions f")],
  ["null", marker(null)],
  ["of another list", marker(["versions g", 1])],
  ["with a text for a number", marker(["versions f", "1"])],
  ["with an object", marker(["versions f", { a: 1 }])],
  ["without a place", marker(["versions f"])],
  ["written in another way", Buffer.from('["versions f", 1]').toString("base64url")],
])("refuses a marker that is %s", ([, text]) => {
  expect(() => page(ALL, text)).toThrow("Invalid marker value");
});
