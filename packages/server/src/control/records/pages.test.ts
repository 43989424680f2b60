import { expect, it } from "vitest";
import { isVersionPlace, type Page, pageOf, placeOfVersion, readPage, type VersionPlace } from "./pages.ts";

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

/** Reads pages of a list that has an item for each version of `f` and `g`. */
function readFrom(versions: readonly VersionPlace[], wish: { Marker?: string; MaxItems?: number }) {
  const asked: number[] = [];
  const read = async (after: VersionPlace | null, countMax: number): Promise<readonly VersionPlace[]> => {
    asked.push(countMax);
    const isAfter = ([name, number]: VersionPlace): boolean =>
      after === null || name > after[0] || (name === after[0] && number > after[1]);
    return versions.filter(isAfter).slice(0, countMax);
  };
  return { asked, page: readPage({ list: "all", read, placeOf: (item) => item, isPlace: isVersionPlace }, wish) };
}

const VERSIONS: readonly VersionPlace[] = ["f", "g"].flatMap((name) => [0, 1, 10].map((n) => [name, n] as const));

it("reads a list page by page, and one item beyond each", async () => {
  const found: VersionPlace[] = [];
  let Marker: string | undefined;
  do {
    const { asked, page: reading } = readFrom(VERSIONS, { MaxItems: 4, ...(Marker === undefined ? {} : { Marker }) });
    const { items, nextMarker } = await reading;
    expect(asked).toEqual([5]);
    found.push(...items);
    Marker = nextMarker;
  } while (Marker !== undefined);
  expect(found).toEqual(VERSIONS);
});

it("reads no more than 50 items and one, and has no marker at the end", async () => {
  const { asked, page: reading } = readFrom(VERSIONS, { MaxItems: 10_000 });
  expect(await reading).toEqual({ items: VERSIONS, nextMarker: undefined });
  expect(asked).toEqual([51]);
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

it.for([
  ["without a number", ["all", "f"]],
  ["with a number that none has", ["all", "f", 1.5]],
  ["with a name that none has", ["all", "f\u0000", 1]],
  ["with a number for a name", ["all", 1, 1]],
  ["of another list", ["others", "f", 1]],
])("refuses to read from a marker that is %s", async ([, value]) => {
  const { asked, page: reading } = readFrom(VERSIONS, { Marker: marker(value) });
  await expect(reading).rejects.toThrow("Invalid marker value");
  expect(asked).toEqual([]);
});
