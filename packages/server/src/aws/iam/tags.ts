/** Tags of IAM's entities. Keys are not told apart by case. */
import { type Caller, isServer } from "../../model/caller.ts";
import { invalidInput, limitExceeded } from "./context.ts";

type Tags = Readonly<Record<string, string>>;

interface ShownTag {
  readonly Key: string;
  readonly Value: string;
}

const TAGS_MAX = 50;

/**
 * Gives the tags with others added; one that is there under another case is replaced. Only the server itself gives
 * AWS's own, which say what a stack made.
 */
export function withTags(before: Tags, added: readonly ShownTag[] = [], caller?: Caller): Tags {
  const given = new Set(added.map(({ Key }) => Key.toLowerCase()));
  if (given.size < added.length)
    throw invalidInput("Duplicate tag keys found. Please note that Tag keys are case insensitive.");
  const reserved = added.find(({ Key }) => Key.toLowerCase().startsWith("aws:"));
  if (reserved !== undefined && (caller === undefined || !isServer(caller)))
    throw invalidInput("aws: prefixed tag key names are not allowed for external use.");
  const kept = Object.entries(before).filter(([key]) => !given.has(key.toLowerCase()));
  const tags = Object.fromEntries([...kept, ...added.map(({ Key, Value }) => [Key, Value] as const)]);
  if (Object.keys(tags).length > TAGS_MAX) throw limitExceeded(`Cannot exceed quota for TagsPerResource: ${TAGS_MAX}`);
  return tags;
}

export function withoutTags(before: Tags, keys: readonly string[]): Tags {
  const removed = new Set(keys.map((key) => key.toLowerCase()));
  return Object.fromEntries(Object.entries(before).filter(([key]) => !removed.has(key.toLowerCase())));
}

export function showTags(tags: Tags): readonly ShownTag[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}
