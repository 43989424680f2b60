/** Pages of IAM's lists, and what they may begin with. */
import { pageOf } from "../entry-pages.ts";
import { invalidInput } from "./context.ts";

const PAGE_LENGTH = 100;

export interface PageWish {
  readonly Marker?: string;
  readonly MaxItems?: number;
}

export interface ShownPage<T> {
  readonly items: readonly T[];
  readonly rest: { readonly IsTruncated: boolean; readonly Marker?: string };
}

export function listPage<T>(
  all: readonly T[],
  keyOf: (item: T) => string,
  { Marker, MaxItems }: PageWish,
): ShownPage<T> {
  const page = pageOf(all, keyOf, { length: MaxItems ?? PAGE_LENGTH, token: Marker });
  if (page === null) throw invalidInput("The marker is not one of a page of this list.");
  const { items, next } = page;
  return { items, rest: next === null ? { IsTruncated: false } : { IsTruncated: true, Marker: next } };
}
