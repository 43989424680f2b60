/** AWS::Events::Rule with its targets. */
import type { TemplateMap } from "@thaw/template/value";
import { describeType } from "./describe-type.ts";
import { targetOf } from "./event-target.ts";
import type { Handler, HandlerContext, Made } from "./handler.ts";
import { documentOf, given, isOwn, mapsOf, settle, type Tag, tagsOf, takenName, textOf, unless } from "./values.ts";

const TYPE = "AWS::Events::Rule";
const NAME_LENGTH_MAX = 64;
const DEFAULT_BUS = "default";
const GONE = ["ResourceNotFoundException"];

interface Named {
  readonly Name: string;
  readonly EventBusName: string;
}

export const EVENT_RULE: Handler = {
  type: describeType(TYPE, { attributes: ["Arn"] }),
  async create(properties, context) {
    const named = {
      Name: textOf(properties, "Name") ?? context.makeName(NAME_LENGTH_MAX),
      EventBusName: textOf(properties, "EventBusName") ?? DEFAULT_BUS,
    };
    const found = await unless(GONE, context.services.call("events", "DescribeRule", { ...named }));
    if (found !== null && !isOwn(await tagsNow(String(found["Arn"]), context), context))
      throw takenName(TYPE, "Name", named.Name);
    return settle(idOf(named), () => put(named, properties, context));
  },
  async update({ physicalId }, properties, context) {
    const named = namedOf(physicalId);
    const made = await put(named, properties, context);
    await setTags(String(made.attributes?.["Arn"]), properties, context);
    return made;
  },
  async remove({ physicalId }, { services }) {
    const { Name, EventBusName } = namedOf(physicalId);
    const list = services.call("events", "ListTargetsByRule", { Rule: Name, EventBusName });
    const Ids = idsOf(await unless(GONE, list));
    if (Ids.length > 0) await services.call("events", "RemoveTargets", { Rule: Name, EventBusName, Ids });
    await unless(GONE, services.call("events", "DeleteRule", { Name, EventBusName }));
  },
};

/** As AWS has it: the name alone on the default bus. */
function idOf({ Name, EventBusName }: Named): string {
  return EventBusName === DEFAULT_BUS ? Name : `${EventBusName}|${Name}`;
}

function namedOf(physicalId: string): Named {
  const at = physicalId.lastIndexOf("|");
  return at === -1
    ? { Name: physicalId, EventBusName: DEFAULT_BUS }
    : { Name: physicalId.slice(at + 1), EventBusName: physicalId.slice(0, at) };
}

async function put(named: Named, properties: TemplateMap, context: HandlerContext): Promise<Made> {
  const { services } = context;
  const rule = given({
    ...named,
    Description: textOf(properties, "Description"),
    EventPattern: properties["EventPattern"] === undefined ? null : documentOf(properties, "EventPattern"),
    RoleArn: textOf(properties, "RoleArn"),
    ScheduleExpression: textOf(properties, "ScheduleExpression"),
    State: textOf(properties, "State"),
    Tags: tagsOf(properties, context),
  });
  const { RuleArn } = await services.call("events", "PutRule", rule);
  const where = { Rule: named.Name, EventBusName: named.EventBusName };
  const wanted = mapsOf(properties, "Targets").map((target) => targetOf(target));
  const before = idsOf(await services.call("events", "ListTargetsByRule", where));
  const gone = before.filter((id) => !wanted.some(({ Id }) => Id === id));
  if (gone.length > 0) await services.call("events", "RemoveTargets", { ...where, Ids: gone });
  if (wanted.length > 0) await services.call("events", "PutTargets", { ...where, Targets: wanted });
  return { physicalId: idOf(named), attributes: { Arn: String(RuleArn) } };
}

function idsOf(listed: Readonly<Record<string, unknown>> | null): readonly string[] {
  return ((listed?.["Targets"] ?? []) as ReadonlyArray<{ readonly Id: string }>).map(({ Id }) => Id);
}

async function tagsNow(ResourceARN: string, { services }: HandlerContext): Promise<readonly Tag[]> {
  const { Tags } = await services.call("events", "ListTagsForResource", { ResourceARN });
  return (Tags ?? []) as readonly Tag[];
}

/** PutRule sets the tags of a new rule only. */
export async function setTags(ResourceARN: string, properties: TemplateMap, context: HandlerContext): Promise<void> {
  const { services } = context;
  const Tags = tagsOf(properties, context);
  const now = await tagsNow(ResourceARN, context);
  const TagKeys = now.flatMap(({ Key }) => (Tags.some((tag) => tag.Key === Key) ? [] : [Key]));
  if (TagKeys.length > 0) await services.call("events", "UntagResource", { ResourceARN, TagKeys });
  if (Tags.length > 0) await services.call("events", "TagResource", { ResourceARN, Tags });
}
