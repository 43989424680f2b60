/** Tags of buses and of rules. */
import type * as types from "@thaw/aws-api/events";
import { parseRuleArn, readBusName } from "../../model/event-bus/names.ts";
import { isSameScope } from "../../model/function-name.ts";
import { ServiceError } from "../../model/service-error.ts";
import type { ServiceOperations } from "../aws-service.ts";
import { invalid, type StoredEvents } from "./stored-events.ts";

type Tags = Readonly<Record<string, string>>;

const TAGS_MAX = 50;

export function tagOperations(stored: StoredEvents): ServiceOperations<types.OperationTypes> {
  const change = async (arn: string, edit: (tags: Tags) => Tags): Promise<Record<string, never>> => {
    const { bus, rule } = named(stored, arn);
    if (rule === null)
      await stored.changeBus(await stored.busName(bus), (before) => ({ ...before, tags: edit(before.tags) }));
    else await stored.changeRule(bus, rule, (before) => ({ ...before, tags: edit(before.tags) }));
    return {};
  };
  return {
    TagResource: ({ ResourceARN, Tags: given }) => change(ResourceARN, (tags) => addTags(tags, given)),
    UntagResource: ({ ResourceARN, TagKeys }) =>
      change(ResourceARN, (tags) => Object.fromEntries(Object.entries(tags).filter(([key]) => !TagKeys.includes(key)))),
    async ListTagsForResource({ ResourceARN }) {
      const { bus, rule } = named(stored, ResourceARN);
      const { tags } = rule === null ? await stored.bus(bus) : await stored.findRule(bus, rule);
      return { Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })) };
    },
  };
}

/** Gives the tags with others added. Throws a ValidationException where there are too many, or a key comes twice. */
export function addTags(before: Tags, added: readonly types.Tag[]): Tags {
  if (new Set(added.map(({ Key }) => Key)).size < added.length)
    throw invalid("Invalid parameter: Duplicated keys are not allowed.");
  const tags = Object.fromEntries([...Object.entries(before), ...added.map(({ Key, Value }) => [Key, Value])]);
  if (Object.keys(tags).length > TAGS_MAX) throw invalid(`There are at most ${TAGS_MAX} tags.`);
  return tags;
}

function named({ parts }: StoredEvents, arn: string): { readonly bus: string; readonly rule: string | null } {
  const rule = parseRuleArn(arn);
  const bus = readBusName(arn);
  const owner = rule?.owner ?? bus.owner;
  if (owner === null)
    throw invalid(`Parameter ${arn.slice(0, 200)} is not valid. Reason: Provided Arn is not in correct format.`);
  if (!isSameScope(owner, parts.scope))
    throw new ServiceError("ResourceNotFoundException", `There is no ${arn.slice(0, 200)} in this account and Region.`);
  return rule === null ? { bus: bus.name, rule: null } : { bus: rule.bus, rule: rule.name };
}
