/** Tags of APIs and of their stages. */
import { type Caller, isServer } from "../../model/caller.ts";
import { badRequest } from "./refusals.ts";

export type Tags = Readonly<Record<string, string>>;

const TAGS_MAX = 50;
const KEY_LENGTH_MAX = 128;
const VALUE_LENGTH_MAX = 256;

/**
 * Gives the tags with others added. Only the server itself gives AWS's own, which say what a stack made. Throws a
 * BadRequestException where there are too many, or one is none.
 */
export function checkTags(before: Tags, added: Tags, caller: Caller): Tags {
  for (const [key, value] of Object.entries(added)) {
    const isReserved = key.toLowerCase().startsWith("aws:") && !isServer(caller);
    if (key === "" || key.length > KEY_LENGTH_MAX || isReserved)
      throw badRequest(`A tag's key has 1 to ${KEY_LENGTH_MAX} characters and does not begin with aws:`);
    if (value.length > VALUE_LENGTH_MAX) throw badRequest(`A tag's value has at most ${VALUE_LENGTH_MAX} characters`);
  }
  const tags = Object.fromEntries([...Object.entries(before), ...Object.entries(added)]);
  if (Object.keys(tags).length > TAGS_MAX) throw badRequest(`There are at most ${TAGS_MAX} tags`);
  return tags;
}
