/** Pages of lists, by the position behind the last item of the page before. */
import { badRequest } from "../gateways/refusals.ts";

const PAGE_LENGTH = 25;
const PAGE_LENGTH_MAX = 500;

export interface PageWish {
  readonly limit?: number;
  readonly position?: string;
}

export function pageOf<T, P>(
  all: readonly T[],
  present: (item: T) => P,
  { limit = PAGE_LENGTH, position }: PageWish,
): { readonly items: readonly P[]; readonly position?: string } {
  if (limit < 1) throw badRequest("limit must be 1 or more");
  const start = position === undefined ? 0 : Number(Buffer.from(position, "base64url").toString());
  if (!Number.isInteger(start) || start < 0) throw badRequest("Invalid position parameter");
  const end = start + Math.min(limit, PAGE_LENGTH_MAX);
  const next = end >= all.length ? {} : { position: Buffer.from(String(end)).toString("base64url") };
  return { items: all.slice(start, end).map(present), ...next };
}
