/** PutRule and its family. */
import type * as types from "@thaw/aws-api/events";
import { DEFAULT_BUS, type EventRuleRecord, ruleId } from "../../model/event-bus/record.ts";
import { EventPatternError } from "../../model/event-json.ts";
import { EventPattern, MatchedEvent } from "../../model/event-pattern.ts";
import { readSchedule } from "../../model/schedule/expression.ts";
import { ServiceError } from "../../model/service-error.ts";
import type { Write } from "../../ports/metadata-store.ts";
import type { ServiceOperations } from "../aws-service.ts";
import { checkHonoured } from "./honoured.ts";
import { pageOf } from "./pages.ts";
import { invalid, type StoredEvents, tooMany } from "./stored-events.ts";
import { addTags } from "./tags.ts";

/** AWS's quota of a bus. */
const RULES_MAX = 300;

export function ruleOperations(stored: StoredEvents): ServiceOperations<types.OperationTypes> {
  const enable = async (given: types.EnableRuleRequest, isEnabled: boolean): Promise<Record<string, never>> => {
    const bus = await stored.busName(given.EventBusName);
    const scheduledFromMs = stored.parts.clock.nowMs();
    await stored.changeRule(bus, given.Name, (rule) =>
      rule.isEnabled === isEnabled ? rule : { ...rule, isEnabled, scheduledFromMs },
    );
    return {};
  };
  return {
    PutRule: (input) => putRule(stored, input),
    EnableRule: (input) => enable(input, true),
    DisableRule: (input) => enable(input, false),
    async DeleteRule({ Name, EventBusName }) {
      const bus = await stored.busName(EventBusName);
      await stored.commit(() => removalOf(stored, ruleId(bus, Name)));
      return {};
    },
    async DescribeRule({ Name, EventBusName }) {
      return present(stored, await stored.findRule(await stored.busName(EventBusName), Name));
    },
    async ListRules({ NamePrefix = "", EventBusName, ...wish }) {
      const rules = await stored.listRules(await stored.busName(EventBusName));
      const named = rules.filter(({ name }) => name.startsWith(NamePrefix));
      const { items, rest } = pageOf(named, ({ name }) => name, wish);
      return { Rules: items.map((rule) => present(stored, rule)), ...rest };
    },
    async ListRuleNamesByTarget({ TargetArn, EventBusName, ...wish }) {
      const rules = await stored.listRules(await stored.busName(EventBusName));
      const leading = rules.filter(({ targets }) => targets.some(({ arn }) => arn === TargetArn));
      const names = leading.map(({ name }) => name);
      const { items, rest } = pageOf(names, (name) => name, wish);
      return { RuleNames: items, ...rest };
    },
    async TestEventPattern({ EventPattern: pattern, Event }) {
      return { Result: matchesEvent(readPattern(pattern), Event) };
    },
  };
}

async function putRule(stored: StoredEvents, input: types.PutRuleRequest): Promise<types.PutRuleResponse> {
  checkHonoured("PutRule", input);
  const { Name: name, EventPattern: pattern, ScheduleExpression: schedule, State = "ENABLED" } = input;
  const bus = await stored.busName(input.EventBusName);
  checkRule(bus, input);
  if (State === "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS")
    throw invalid(`State ${State} is not supported by Thaw: there is no CloudTrail. Give ENABLED.`);
  const { clock } = stored.parts;
  const rule = await stored.putRule(bus, name, async (before) => {
    if (before === null && (await stored.listRules(bus)).length >= RULES_MAX) throw tooMany();
    const isEnabled = State === "ENABLED";
    // A rule that is put as it is goes on by its schedule.
    const isSameSchedule = before?.isEnabled === isEnabled && before.schedule === emptyAsNull(schedule);
    return {
      id: ruleId(bus, name),
      bus,
      name,
      pattern: emptyAsNull(pattern),
      schedule: emptyAsNull(schedule),
      isEnabled,
      description: input.Description ?? null,
      roleArn: input.RoleArn ?? null,
      targets: before?.targets ?? [],
      // Those of a rule that is there are changed with TagResource only, as on AWS.
      tags: before?.tags ?? addTags({}, input.Tags ?? []),
      scheduledFromMs: isSameSchedule ? before.scheduledFromMs : clock.nowMs(),
    };
  });
  return { RuleArn: stored.arnOf(rule) };
}

function checkRule(bus: string, input: types.PutRuleRequest): void {
  const schedule = emptyAsNull(input.ScheduleExpression);
  const pattern = emptyAsNull(input.EventPattern);
  if (schedule === null && pattern === null)
    throw invalid("Parameter(s) EventPattern or ScheduleExpression must be specified.");
  if (schedule !== null && bus !== DEFAULT_BUS)
    throw invalid("ScheduleExpression is supported only on the default event bus.");
  if (schedule !== null && readSchedule(schedule) === null) throw invalid("Parameter ScheduleExpression is not valid.");
  if (pattern !== null) readPattern(pattern);
}

function emptyAsNull(text: string | undefined): string | null {
  return text === undefined || text === "" ? null : text;
}

function readPattern(text: string): EventPattern {
  try {
    const pattern = EventPattern.of(text);
    if (pattern.isEmpty) throw new EventPatternError("Empty objects are not allowed");
    return pattern;
  } catch (error) {
    if (!(error instanceof EventPatternError)) throw error;
    throw new ServiceError("InvalidEventPatternException", `Event pattern is not valid. Reason: ${error.message}`);
  }
}

/** Members that an event must have, as AWS says of TestEventPattern. */
const MEMBERS = ["id", "account", "source", "time", "region", "resources", "detail-type"];

function matchesEvent(pattern: EventPattern, text: string): boolean {
  try {
    const event = MatchedEvent.of(text);
    const missing = MEMBERS.filter((member) => !event.has(member));
    if (missing.length > 0)
      throw invalid(`Parameter Event is not valid. Reason: the event has no ${missing.join(", ")}.`);
    return pattern.matches(event);
  } catch (error) {
    if (error instanceof EventPatternError) throw invalid(`Parameter Event is not valid. Reason: ${error.message}`);
    throw error;
  }
}

/** A rule that is not there is deleted, as on AWS. */
async function removalOf({ parts }: StoredEvents, id: string): Promise<readonly Write[]> {
  const record = await parts.store.getAccountEntry("eventRule", id);
  if (record === null) return [];
  if (record.targets.length > 0) throw invalid("Rule can't be deleted since it has targets.");
  const last = await parts.store.getAccountEntry("lastTime", `rule/${id}`);
  const removal: Write = { op: "remove", kind: "eventRule", record };
  return last === null ? [removal] : [removal, { op: "remove", kind: "lastTime", record: last }];
}

function present(stored: StoredEvents, rule: EventRuleRecord): types.DescribeRuleResponse {
  return {
    Name: rule.name,
    Arn: stored.arnOf(rule),
    ...(rule.pattern === null ? {} : { EventPattern: rule.pattern }),
    ...(rule.schedule === null ? {} : { ScheduleExpression: rule.schedule }),
    State: rule.isEnabled ? "ENABLED" : "DISABLED",
    ...(rule.description === null ? {} : { Description: rule.description }),
    ...(rule.roleArn === null ? {} : { RoleArn: rule.roleArn }),
    EventBusName: rule.bus,
  };
}
