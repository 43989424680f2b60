/** AWS::Scheduler::Schedule and AWS::Scheduler::ScheduleGroup. */
import { createHash } from "node:crypto";
import type { TemplateMap } from "@thaw/template/value";
import { describeType } from "./describe-type.ts";
import { targetOf } from "./event-target.ts";
import { type Handler, type HandlerContext, HandlerError, type Made } from "./handler.ts";
import { given, mapOf, numberOf, tagsOf, takenName, textOf, unless } from "./values.ts";

const SCHEDULE_TYPE = "AWS::Scheduler::Schedule";
const GROUP_TYPE = "AWS::Scheduler::ScheduleGroup";
const NAME_LENGTH_MAX = 64;
const DEFAULT_GROUP = "default";
const GONE = ["ResourceNotFoundException"];

const described = describeType(SCHEDULE_TYPE, { without: ["KmsKeyArn"] });

const SCHEDULE: Handler = {
  // Nothing moves a schedule to another group.
  type: { ...described, properties: { ...described.properties, GroupName: "replace" } },
  async create(properties, context) {
    const Name = textOf(properties, "Name") ?? context.makeName(NAME_LENGTH_MAX);
    const input = { ...inputOf(Name, properties), ClientToken: tokenOf(context) };
    const made = await unless(["ConflictException"], context.services.call("scheduler", "CreateSchedule", input));
    if (made === null) throw takenName(SCHEDULE_TYPE, "Name", Name);
    return { physicalId: Name, attributes: { Arn: String(made["ScheduleArn"]) } };
  },
  async update({ physicalId }, properties, { services }) {
    const { ScheduleArn } = await services.call("scheduler", "UpdateSchedule", { ...inputOf(physicalId, properties) });
    return { physicalId, attributes: { Arn: String(ScheduleArn) } };
  },
  async remove({ physicalId, properties }, { services }) {
    const GroupName = textOf(properties, "GroupName") ?? DEFAULT_GROUP;
    await unless(GONE, services.call("scheduler", "DeleteSchedule", { Name: physicalId, GroupName }));
  },
};

/** Scheduler knows a request by its token: after a crash it is answered as before. */
function tokenOf({ token }: HandlerContext): string {
  return createHash("sha256").update(token).digest("hex");
}

function inputOf(Name: string, properties: TemplateMap): Readonly<Record<string, unknown>> {
  const window = mapOf(properties, "FlexibleTimeWindow") ?? {};
  return given({
    Name,
    GroupName: textOf(properties, "GroupName"),
    Description: textOf(properties, "Description"),
    ScheduleExpression: textOf(properties, "ScheduleExpression"),
    ScheduleExpressionTimezone: textOf(properties, "ScheduleExpressionTimezone"),
    StartDate: dateOf(properties, "StartDate"),
    EndDate: dateOf(properties, "EndDate"),
    State: textOf(properties, "State"),
    FlexibleTimeWindow: given({
      Mode: textOf(window, "Mode"),
      MaximumWindowInMinutes: numberOf(window, "MaximumWindowInMinutes"),
    }),
    Target: targetOf(mapOf(properties, "Target") ?? {}),
  });
}

function dateOf(properties: TemplateMap, name: string): Date | null {
  const text = textOf(properties, name);
  if (text === null) return null;
  const date = new Date(text);
  if (Number.isNaN(date.getTime())) throw new HandlerError(`${name} must be a date.`);
  return date;
}

const GROUP: Handler = {
  type: describeType(GROUP_TYPE, { attributes: ["Arn", "State"] }),
  async create(properties, context) {
    const Name = textOf(properties, "Name") ?? context.makeName(NAME_LENGTH_MAX);
    const input = { Name, Tags: tagsOf(properties, context), ClientToken: tokenOf(context) };
    const made = await unless(["ConflictException"], context.services.call("scheduler", "CreateScheduleGroup", input));
    if (made === null) throw takenName(GROUP_TYPE, "Name", Name);
    return groupOf(Name, String(made["ScheduleGroupArn"]));
  },
  async update({ physicalId }, properties, context) {
    const { services } = context;
    const { Arn: ResourceArn } = await services.call("scheduler", "GetScheduleGroup", { Name: physicalId });
    const { Tags: now } = await services.call("scheduler", "ListTagsForResource", { ResourceArn });
    const Tags = tagsOf(properties, context);
    const before = (now ?? []) as ReadonlyArray<{ readonly Key: string }>;
    const TagKeys = before.flatMap(({ Key }) => (Tags.some((tag) => tag.Key === Key) ? [] : [Key]));
    if (TagKeys.length > 0) await services.call("scheduler", "UntagResource", { ResourceArn, TagKeys });
    if (Tags.length > 0) await services.call("scheduler", "TagResource", { ResourceArn, Tags });
    return groupOf(physicalId, String(ResourceArn));
  },
  async remove({ physicalId }, { services }) {
    await unless(GONE, services.call("scheduler", "DeleteScheduleGroup", { Name: physicalId }));
  },
};

function groupOf(name: string, arn: string): Made {
  return { physicalId: name, attributes: { Arn: arn, State: "ACTIVE" } };
}

export const SCHEDULES: readonly Handler[] = [SCHEDULE, GROUP];
