/** AWS::SSM::Parameter. */
import type { TemplateMap } from "@thaw/template/value";
import { describeType } from "./describe-type.ts";
import type { Handler, HandlerContext, Made } from "./handler.ts";
import { isOwn, tagChanges, tagsOf, type Tags } from "./own.ts";
import { given, takenName, textOf, unless } from "./values.ts";

const TYPE = "AWS::SSM::Parameter";
const NAME_LENGTH_MAX = 1011;

export const PARAMETER: Handler = {
  type: describeType(TYPE, { without: ["AllowedPattern", "Policies"] }),
  async create(properties, context) {
    const Name = textOf(properties, "Name") ?? context.makeName(NAME_LENGTH_MAX);
    const input = given({ ...inputOf(properties), Name, Tags: listOf(tagsOf(properties["Tags"], context)) });
    const made = await unless(["ParameterAlreadyExists"], context.services.call("ssm", "PutParameter", input));
    if (made === null && !isOwn(await tagsNow(Name, context), context)) throw takenName(TYPE, "Name", Name);
    return madeOf(Name, properties);
  },
  async update({ physicalId: Name }, properties, context) {
    const { services } = context;
    await services.call("ssm", "PutParameter", given({ ...inputOf(properties), Name, Overwrite: true }));
    const { set, gone } = tagChanges(await tagsNow(Name, context), tagsOf(properties["Tags"], context));
    const tagged = { ResourceType: "Parameter", ResourceId: Name };
    if (gone.length > 0) await services.call("ssm", "RemoveTagsFromResource", { ...tagged, TagKeys: gone });
    if (Object.keys(set).length > 0) await services.call("ssm", "AddTagsToResource", { ...tagged, Tags: listOf(set) });
    return madeOf(Name, properties);
  },
  async remove({ physicalId: Name }, { services }) {
    await unless(["ParameterNotFound"], services.call("ssm", "DeleteParameter", { Name }));
  },
};

function inputOf(properties: TemplateMap): Readonly<Record<string, unknown>> {
  const names = ["Type", "Value", "Description", "Tier", "DataType"];
  return Object.fromEntries(names.map((name) => [name, textOf(properties, name)]));
}

function madeOf(name: string, properties: TemplateMap): Made {
  const attributes = { Type: textOf(properties, "Type"), Value: textOf(properties, "Value") };
  return { physicalId: name, attributes };
}

function listOf(tags: Tags): ReadonlyArray<{ readonly Key: string; readonly Value: string }> {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}

async function tagsNow(name: string, { services }: HandlerContext): Promise<Tags> {
  const asked = services.call("ssm", "ListTagsForResource", { ResourceType: "Parameter", ResourceId: name });
  const { TagList } = (await unless(["InvalidResourceId"], asked)) ?? {};
  return Object.fromEntries(((TagList ?? []) as ReturnType<typeof listOf>).map(({ Key, Value }) => [Key, Value]));
}
