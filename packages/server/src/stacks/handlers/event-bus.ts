/** AWS::Events::EventBus. */
import type { TemplateMap } from "@thaw/template/value";
import { describeType } from "./describe-type.ts";
import { setTags } from "./event-rule.ts";
import type { Handler, HandlerContext, Made } from "./handler.ts";
import { given, isOwn, settle, type Tag, tagsOf, takenName, textOf, unless } from "./values.ts";

const TYPE = "AWS::Events::EventBus";

export const EVENT_BUS: Handler = {
  type: describeType(TYPE, {
    without: ["DeadLetterConfig", "EventSourceName", "KmsKeyIdentifier", "LogConfig", "Policy"],
    attributes: ["Arn", "Name"],
  }),
  async create(properties, context) {
    const { services } = context;
    const Name = textOf(properties, "Name") ?? "";
    const input = given({
      Name,
      Description: textOf(properties, "Description"),
      Tags: tagsOf(properties, context),
    });
    const made = await unless(["ResourceAlreadyExistsException"], services.call("events", "CreateEventBus", input));
    if (made === null) {
      const { Tags } = await services.call("events", "ListTagsForResource", { ResourceARN: arnOf(Name, context) });
      if (!isOwn((Tags ?? []) as readonly Tag[], context)) throw takenName(TYPE, "Name", Name);
    }
    return settle(Name, async () => madeOf(Name, context));
  },
  async update({ physicalId }, properties, context) {
    const Description = textOf(properties, "Description") ?? "";
    await context.services.call("events", "UpdateEventBus", { Name: physicalId, Description });
    await setTags(arnOf(physicalId, context), properties, context);
    return madeOf(physicalId, context);
  },
  async remove({ physicalId }, { services }) {
    await services.call("events", "DeleteEventBus", { Name: physicalId });
  },
};

function madeOf(name: string, context: HandlerContext): Made {
  const attributes: TemplateMap = { Arn: arnOf(name, context), Name: name };
  return { physicalId: name, attributes };
}

function arnOf(name: string, { scope }: HandlerContext): string {
  return `arn:aws:events:${scope.region}:${scope.accountId}:event-bus/${name}`;
}
