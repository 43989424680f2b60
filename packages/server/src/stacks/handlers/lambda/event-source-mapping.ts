/** AWS::Lambda::EventSourceMapping */
import { isTemplateMap, type TemplateMap } from "@thaw/template/value";
import type { CallInput } from "../../../ports/service-calls.ts";
import { describeType } from "../describe-type.ts";
import { type Handler, type HandlerContext, HandlerError, type Made } from "../handler.ts";
import { GONE, isOwn, pick, tagChanges, tagsOf, textOf } from "../own.ts";
import { unless } from "../values.ts";

/** What only a creation takes. */
const FIXED = [
  "EventSourceArn",
  "StartingPosition",
  "StartingPositionTimestamp",
  "SelfManagedEventSource",
  "Topics",
  "Queues",
];
/** What a mapping is without the property: an update that leaves it out goes back to that. */
const DEFAULTS: Readonly<Record<string, unknown>> = {
  DestinationConfig: { OnFailure: {} },
  Enabled: true,
  FilterCriteria: {},
  FunctionResponseTypes: [],
  MetricsConfig: { Metrics: [] },
  ScalingConfig: {},
};
const STATES_ON_THE_WAY: ReadonlySet<unknown> = new Set(["Creating", "Enabling", "Disabling", "Updating"]);

export const EVENT_SOURCE_MAPPING: Handler = {
  type: describeType("AWS::Lambda::EventSourceMapping"),

  async create(properties, context) {
    const before = context.isRetry ? await madeBefore(properties, context) : null;
    const input = {
      ...inputOf(properties),
      ...pick(properties, FIXED),
      ...startOf(properties),
      Tags: tagsOf(properties["Tags"], context),
    };
    const id = before ?? textOf((await context.services.call("lambda", "CreateEventSourceMapping", input))["UUID"]);
    return untilSettled(id, context).catch((error: unknown) => {
      // Whatever ends the wait, the mapping is there.
      throw new HandlerError((error as Error).message, id);
    });
  },

  async update({ physicalId: id, properties: before }, properties, context) {
    const { services } = context;
    const gone = Object.entries(DEFAULTS).filter(
      ([name]) => before[name] !== undefined && properties[name] === undefined,
    );
    const changed = await services.call("lambda", "UpdateEventSourceMapping", {
      UUID: id,
      ...Object.fromEntries(gone),
      ...inputOf(properties),
    });
    const arn = textOf(changed["EventSourceMappingArn"]);
    const { Tags: borne } = await services.call("lambda", "ListTags", { Resource: arn });
    const { set, gone: keys } = tagChanges(borne, tagsOf(properties["Tags"], context));
    if (Object.keys(set).length > 0) await services.call("lambda", "TagResource", { Resource: arn, Tags: set });
    if (keys.length > 0) await services.call("lambda", "UntagResource", { Resource: arn, TagKeys: keys });
    return untilSettled(id, context);
  },

  async remove({ physicalId: id }, { services, until }) {
    if ((await unless(GONE, services.call("lambda", "DeleteEventSourceMapping", { UUID: id }))) === null) return;
    await until(async () =>
      (await unless(GONE, services.call("lambda", "GetEventSourceMapping", { UUID: id }))) === null ? true : null,
    );
  },
};

function inputOf(properties: TemplateMap): CallInput {
  const { KmsKeyArn: key, Tags: _tags, ...rest } = properties;
  const changing = Object.fromEntries(Object.entries(rest).filter(([name]) => !FIXED.includes(name)));
  return { ...changing, ...(key === undefined ? {} : { KMSKeyArn: key }) };
}

/** Names that CloudFormation has otherwise than the API, and a time in seconds. */
function startOf({ SelfManagedEventSource: own, StartingPositionTimestamp: seconds }: TemplateMap): CallInput {
  const endpoints = isTemplateMap(own) ? own["Endpoints"] : undefined;
  const servers = isTemplateMap(endpoints) ? endpoints["KafkaBootstrapServers"] : undefined;
  return {
    ...(servers === undefined ? {} : { SelfManagedEventSource: { Endpoints: { KAFKA_BOOTSTRAP_SERVERS: servers } } }),
    ...(seconds === undefined ? {} : { StartingPositionTimestamp: new Date(Number(seconds) * 1000) }),
  };
}

/** The one that bears this resource's tags. */
async function madeBefore(properties: TemplateMap, context: HandlerContext): Promise<string | null> {
  const { services } = context;
  let marker: unknown;
  do {
    const page = await services.call("lambda", "ListEventSourceMappings", {
      FunctionName: properties["FunctionName"],
      ...(marker === undefined ? {} : { Marker: marker }),
    });
    for (const each of page["EventSourceMappings"] as readonly CallInput[]) {
      const { Tags: tags } = await services.call("lambda", "ListTags", { Resource: each["EventSourceMappingArn"] });
      if (isOwn(tags, context)) return textOf(each["UUID"]);
    }
    marker = page["NextMarker"];
  } while (marker !== undefined);
  return null;
}

async function untilSettled(id: string, { services, until }: HandlerContext): Promise<Made> {
  const found = await until(async () => {
    const mapping = await unless(GONE, services.call("lambda", "GetEventSourceMapping", { UUID: id }));
    if (mapping === null) throw new HandlerError(`The event source mapping ${id} is not there any more`);
    return STATES_ON_THE_WAY.has(mapping["State"]) ? null : mapping;
  });
  const arn = textOf(found["EventSourceMappingArn"]);
  return { physicalId: id, attributes: { Id: id, EventSourceMappingArn: arn } };
}
