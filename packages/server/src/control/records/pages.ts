/**
 * Pages of a list. The marker is the place of the page's last item in the list's order, so that the next page goes on
 * after it even where that item has gone meanwhile. It is opaque to clients, and names its list: one of another list is
 * refused.
 */
import { invalidParameter } from "../../model/api-error.ts";
import { LATEST, type VersionRecord } from "../../model/function-record.ts";

/** AWS's limit for functions and versions, "even if you set the number higher". */
const PAGE_LENGTH = 50;
/** Any text of a client's would reach the store. */
const NAME = /^[\w-]{1,140}$/;

export interface Page<T> {
  readonly items: readonly T[];
  readonly nextMarker: string | undefined;
}

/** Place of an item in its list: compared part by part, all items of a list with parts of the same types. */
export type Place = ReadonlyArray<string | number>;

export interface PageWish {
  readonly Marker?: string;
  readonly MaxItems?: number;
}

/** A list that has pages. */
export interface Paged<T> {
  /** Name that no other list has: the operation, and what it lists of. */
  readonly list: string;
  /** In the order of their places. */
  readonly all: readonly T[];
  readonly placeOf: (item: T) => Place;
}

/** Throws an InvalidParameterValueException where the marker is none of this list. */
export function pageOf<T>({ list, all, placeOf }: Paged<T>, { Marker, MaxItems }: PageWish): Page<T> {
  const after = Marker === undefined ? null : readMarker(list, Marker);
  const found = after === null ? 0 : all.findIndex((item) => compare(placeOf(item), after) > 0);
  const start = found === -1 ? all.length : found;
  const length = lengthOf(MaxItems);
  return toPage(all.slice(start, start + length + 1), length, { list, placeOf });
}

/** A list that has pages, of which no more than a page is read. */
export interface ReadPaged<T, P extends Place> {
  readonly list: string;
  /** Reads what comes after a place, in the order of places; null: from the beginning. */
  readonly read: (after: P | null, countMax: number) => Promise<readonly T[]>;
  readonly placeOf: (item: T) => P;
  /** False for a place that no item of this list has. */
  readonly isPlace: (place: Place) => place is P;
}

/** Throws an InvalidParameterValueException where the marker is none of this list. */
export async function readPage<T, P extends Place>(
  { list, read, placeOf, isPlace }: ReadPaged<T, P>,
  { Marker, MaxItems }: PageWish,
): Promise<Page<T>> {
  const after = Marker === undefined ? null : readMarker(list, Marker);
  if (after !== null && !isPlace(after)) throw invalidMarker();
  const length = lengthOf(MaxItems);
  return toPage(await read(after, length + 1), length, { list, placeOf });
}

/** Place of a version among those of its function: `$LATEST` first, then by number. */
export function placeOfVersion({ version }: Pick<VersionRecord, "version">): number {
  return version === LATEST ? 0 : Number(version);
}

/** Place of a version among those of all functions. */
export type VersionPlace = readonly [functionName: string, number: number];

export function isVersionPlace(place: Place): place is VersionPlace {
  const [name, number] = place;
  return place.length === 2 && typeof name === "string" && NAME.test(name) && Number.isSafeInteger(number);
}

function lengthOf(MaxItems: number | undefined): number {
  return Math.min(MaxItems ?? PAGE_LENGTH, PAGE_LENGTH);
}

/** Makes a page of `found`, which has one item more than `length` where another page follows. */
function toPage<T>(
  found: readonly T[],
  length: number,
  { list, placeOf }: Pick<Paged<T>, "list" | "placeOf">,
): Page<T> {
  const items = found.slice(0, length);
  const last = items.at(-1);
  const isEnd = last === undefined || found.length === items.length;
  return { items, nextMarker: isEnd ? undefined : writeMarker(list, placeOf(last)) };
}

function writeMarker(list: string, place: Place): string {
  return Buffer.from(JSON.stringify([list, ...place]), "utf8").toString("base64url");
}

function readMarker(list: string, marker: string): Place {
  try {
    const [named, ...place] = JSON.parse(Buffer.from(marker, "base64url").toString("utf8")) as readonly unknown[];
    // As it was written, or it is none.
    if (named === list && writeMarker(list, place as Place) === marker && place.every(isPart)) return place as Place;
  } catch {
    throw invalidMarker();
  }
  throw invalidMarker();
}

function isPart(part: unknown): part is string | number {
  return typeof part === "string" || typeof part === "number";
}

function invalidMarker(): Error {
  return invalidParameter("Invalid marker value");
}

function compare(a: Place, b: Place): number {
  for (const [index, part] of a.entries()) {
    const other = b[index];
    if (part === other) continue;
    if (other === undefined || typeof part !== typeof other) throw invalidMarker();
    return part < other ? -1 : 1;
  }
  return 0;
}
