/** A page of a listing: keys below a prefix, of which those that have the delimiter further on are rolled up. */
import type { Listed, ListRange } from "../ports/object-store.ts";

/** Where the rows of a listing begin. */
export type From =
  | { readonly at: "key"; readonly key: string }
  | { readonly at: "after"; readonly key: string }
  /** Behind all keys that begin with it. */
  | { readonly at: "behind"; readonly prefix: string };

export interface Row<T> {
  readonly key: string;
  readonly item: T;
}

/**
 * Reads as many rows as the page has, and one for each common prefix: the index skips those that it stands for.
 * `rowsFrom` gives rows by key, in the order of UTF-8.
 */
export function rollUp<T>(
  { prefix, delimiter, after, max }: Pick<ListRange, "prefix" | "delimiter" | "after" | "max">,
  rowsFrom: (from: From) => Iterable<Row<T>>,
  first: From = Buffer.compare(Buffer.from(after), Buffer.from(prefix)) < 0
    ? { at: "key", key: prefix }
    : { at: "after", key: after },
): Listed<T> {
  const items: T[] = [];
  const commonPrefixes: string[] = [];
  if (max === 0) return { items, commonPrefixes, next: null };
  let from: From | null = first;
  let last = "";
  while (from !== null) {
    const rows: Iterable<Row<T>> = rowsFrom(from);
    from = null;
    for (const { key, item } of rows) {
      if (!key.startsWith(prefix)) break;
      const end = delimiter === "" ? -1 : key.indexOf(delimiter, prefix.length);
      const common = end === -1 ? null : key.slice(0, end + delimiter.length);
      const isKnown = common !== null && common === after;
      if (!isKnown && items.length + commonPrefixes.length === max) return { items, commonPrefixes, next: last };
      if (common === null) {
        items.push(item);
        last = key;
        continue;
      }
      if (!isKnown) {
        commonPrefixes.push(common);
        last = common;
      }
      from = { at: "behind", prefix: common };
      break;
    }
  }
  return { items, commonPrefixes, next: null };
}
