/** Pages of a list: the marker is the last key of the page before, opaque to the client. */
import { invalidParameter } from "../../model/api-error.ts";

const PAGE_LENGTH = 50;

export interface Page<T> {
  readonly items: readonly T[];
  readonly nextMarker: string | undefined;
}

export function pageOf<T>(
  all: readonly T[],
  keyOf: (item: T) => string,
  marker: string | undefined,
  maxItems: number | undefined,
): Page<T> {
  let start = 0;
  if (marker !== undefined) {
    const last = Buffer.from(marker, "base64url").toString("utf8");
    start = all.findIndex((item) => keyOf(item) === last) + 1;
    if (start === 0) throw invalidParameter("Invalid marker value");
  }
  const items = all.slice(start, start + Math.min(maxItems ?? PAGE_LENGTH, PAGE_LENGTH));
  const last = items.at(-1);
  const isEnd = last === undefined || start + items.length >= all.length;
  return { items, nextMarker: isEnd ? undefined : Buffer.from(keyOf(last), "utf8").toString("base64url") };
}
