/** The limit of tags. */
import { invalidParameter } from "../../model/api-error.ts";

const TAGS_MAX = 50;

export type Tagged = Readonly<Record<string, string>>;

/** Adds tags to those that are there. Throws an InvalidParameterValueException where there would be too many. */
export function checkTags(current: Tagged, added: Tagged): Tagged {
  const all = { ...current, ...added };
  if (Object.keys(all).length > TAGS_MAX) throw invalidParameter("Number of tags exceeds resource tag limit.");
  return all;
}
