/** EventBridge by AWS's client: rules, targets, and what functions get of events. */
import {
  CreateEventBusCommand,
  DeleteRuleCommand,
  DescribeRuleCommand,
  DisableRuleCommand,
  EnableRuleCommand,
  type EventBridgeClient,
  ListRuleNamesByTargetCommand,
  ListRulesCommand,
  ListTagsForResourceCommand,
  ListTargetsByRuleCommand,
  PutEventsCommand,
  type PutEventsRequestEntry,
  PutRuleCommand,
  type PutRuleCommandInput,
  PutTargetsCommand,
  RemoveTargetsCommand,
  TagResourceCommand,
  type Target,
  TestEventPatternCommand,
  UntagResourceCommand,
} from "@aws-sdk/client-eventbridge";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ACCOUNT, allow, eventsClient, FUNCTION_ARN, noting, refusalOf, RULE_ARN } from "./events-harness.ts";
import { HttpHarness, REGION } from "./http-harness.ts";

const QUEUE = `arn:aws:sqs:${REGION}:${ACCOUNT}:letters`;
const BUS_ARN = `arn:aws:events:${REGION}:${ACCOUNT}:event-bus/`;

const { seen, functions } = noting();
let http: HttpHarness;
let client: EventBridgeClient;
let made = 0;

beforeAll(async () => {
  http = await HttpHarness.start({ functions });
  client = eventsClient(http);
  await http.control.create("note", "note", { snapStart: false });
  await allow(http.control, "note");
});
afterAll(async () => {
  client.destroy();
  await http[Symbol.asyncDispose]();
});
beforeEach(() => void seen.splice(0));

/** A rule with targets; gives its name. */
async function rule(input: Partial<PutRuleCommandInput>, ...targets: Partial<Target>[]): Promise<string> {
  const Name = `rule-${made++}`;
  const { EventBusName } = input;
  const on = EventBusName === undefined ? {} : { EventBusName };
  await client.send(new PutRuleCommand({ Name, ...input }));
  const Targets = targets.map((target, index) => ({ Id: `t${index}`, Arn: `${FUNCTION_ARN}note`, ...target }));
  if (Targets.length > 0) await client.send(new PutTargetsCommand({ Rule: Name, ...on, Targets }));
  return Name;
}

/** A source that no other test has, and the pattern of it. */
function source(): { readonly Source: string; readonly EventPattern: string } {
  const Source = `source-${made++}`;
  return { Source, EventPattern: JSON.stringify({ source: [Source] }) };
}

async function put(...entries: PutEventsRequestEntry[]) {
  const Entries = entries.map((entry) => ({ DetailType: "type", Detail: "{}", ...entry }));
  const answer = await client.send(new PutEventsCommand({ Entries }));
  await http.control.advance(0);
  return answer;
}

const refusal = (command: object): Promise<string> => refusalOf(client, command);

describe("an event", () => {
  it("is given to the target of the rule that it matches, field by field", async () => {
    const { Source, EventPattern } = source();
    await rule({ EventPattern }, {});
    const Time = new Date("2026-11-30T01:02:03.456Z");
    const answer = await put(
      { Source, Time, DetailType: "Pet bought", Resources: ["arn:x"], Detail: '{"n":12345678901234567890}' },
      { Source: "somebody.else" },
    );
    expect(answer).toMatchObject({ FailedEntryCount: 0, Entries: [{ EventId: expect.any(String) }, {}] });
    expect(seen).toEqual([
      {
        version: "0",
        id: answer.Entries?.[0]?.EventId,
        "detail-type": "Pet bought",
        source: Source,
        account: ACCOUNT,
        time: "2026-11-30T01:02:03Z",
        region: REGION,
        resources: ["arn:x"],
        detail: { n: Number("12345678901234567890") },
      },
    ]);
  });

  it("goes to the rules of its own bus, by name or ARN, and to all of their targets", async () => {
    const { Source, EventPattern } = source();
    const Name = `bus-${made++}`;
    const { EventBusArn } = await client.send(new CreateEventBusCommand({ Name }));
    expect(EventBusArn).toBe(`${BUS_ARN}${Name}`);
    await rule({ EventPattern, EventBusName: Name }, { Input: '{"own":1}' }, { Input: '{"own":2}' });
    await rule({ EventPattern }, { Input: '{"default":1}' });
    await put({ Source, EventBusName: Name });
    const sorted = () =>
      seen
        .splice(0)
        .map((each) => JSON.stringify(each))
        .toSorted();
    expect(sorted()).toEqual(['{"own":1}', '{"own":2}']);
    await put({ Source, EventBusName: EventBusArn }, { Source });
    expect(sorted()).toEqual(['{"default":1}', '{"own":1}', '{"own":2}']);
  });

  it("is refused entry by entry, and the others are taken", async () => {
    const { Source, EventPattern } = source();
    await rule({ EventPattern }, { InputPath: "$.detail" });
    const answer = await client.send(
      new PutEventsCommand({
        Entries: [
          { DetailType: "t", Detail: "{}" },
          { Source, Detail: "{}" },
          { Source, DetailType: "t" },
          { Source, DetailType: "t", Detail: "[1]" },
          { Source, DetailType: "t", Detail: "{" },
          { Source: "aws.mine", DetailType: "t", Detail: "{}" },
          { Source, DetailType: "t", Detail: "{}", EventBusName: `arn:aws:events:${REGION}:111111111111:event-bus/x` },
          { Source, DetailType: "t", Detail: `${'{"a":'.repeat(5000)}1${"}".repeat(5000)}` },
          { Source, DetailType: "t", Detail: '{"taken":true}' },
        ],
      }),
    );
    expect(answer.FailedEntryCount).toBe(8);
    expect(answer.Entries?.map(({ ErrorCode, ErrorMessage }) => [ErrorCode, ErrorMessage])).toEqual([
      ["InvalidArgument", "Parameter Source is not valid. Reason: Source is a required argument."],
      ["InvalidArgument", "Parameter DetailType is not valid. Reason: DetailType is a required argument."],
      ["InvalidArgument", "Parameter Detail is not valid. Reason: Detail is a required argument."],
      ["MalformedDetail", "Detail is malformed."],
      ["MalformedDetail", "Detail is malformed."],
      ["NotAuthorizedForSourceException", "Not authorized for the source."],
      ["AccessDeniedException", expect.stringContaining("is not authorized to perform: events:PutEvents on resource")],
      ["MalformedDetail", "Detail is malformed."],
      [undefined, undefined],
    ]);
    await http.control.advance(0);
    expect(seen).toEqual([{ taken: true }]);
  });

  it("has limits for all together", async () => {
    const Detail = JSON.stringify({ text: "x".repeat(600_000) });
    const entry = { Source: "s", DetailType: "t", Detail };
    expect(await refusal(new PutEventsCommand({ Entries: [entry, entry] }))).toBe(
      "ValidationException: Total size of the entries in the request is over the limit.",
    );
    const small = { Source: "s", DetailType: "t", Detail: "{}" };
    expect(await refusal(new PutEventsCommand({ Entries: Array.from({ length: 11 }, () => small) }))).toContain(
      "Member must have length less than or equal to 10",
    );
    expect(await refusal(new PutEventsCommand({ Entries: [] }))).toContain("greater than or equal to 1");
  });

  it("for a bus that is not there is dropped, and the operator is told", async () => {
    expect(await put({ Source: "s", EventBusName: "nowhere" })).toMatchObject({
      FailedEntryCount: 0,
      Entries: [{ EventId: expect.any(String) }],
    });
    expect(http.control.problems.join()).toContain("for a bus that is not there: nowhere");
  });
});

describe("a target", () => {
  it.for([
    ["a constant", { Input: '[1,"x"]' }, [1, "x"]],
    ["a part", { InputPath: "$.detail.list[1]" }, { b: 2 }],
    ["a part of each", { InputPath: "$.detail.list[*].b" }, [2]],
    ["a part that is not there", { InputPath: "$.detail.nothing" }, {}],
    [
      "a template",
      {
        InputTransformer: {
          InputPathsMap: { name: "$.detail.name", list: "$.detail['list']", none: "$.none" },
          InputTemplate:
            '{"name":<name>,"text":"I am <name>, <list>.","list":<list>,"none":<none>,"rule":<aws.events.rule-name>}',
        },
      },
      {
        name: "Bo",
        text: "I am Bo, [{a:1},{b:2}].",
        list: [{ a: 1 }, { b: 2 }],
        none: "",
        rule: expect.stringMatching(/^rule-\d+$/),
      },
    ],
    [
      "a text as template, with what AWS reserves",
      { InputTransformer: { InputTemplate: '"<aws.events.rule-arn> at <aws.events.event.ingestion-time> <other>"' } },
      expect.stringMatching(/^arn:aws:events:us-east-1:000000000000:rule\/rule-\d+ at 20\d\d-[-0-9T:]+Z <other>$/),
    ],
    [
      "the event as template",
      { InputTransformer: { InputTemplate: '{"all":<aws.events.event.json>,"some":<aws.events.event>}' } },
      {
        all: expect.objectContaining({ detail: { name: "Bo", list: [{ a: 1 }, { b: 2 }] } }),
        some: expect.not.objectContaining({ detail: expect.anything() }),
      },
    ],
  ] as const)("gets %s", async ([, target, expected]) => {
    const { Source, EventPattern } = source();
    await rule({ EventPattern }, target as Partial<Target>);
    await put({ Source, Detail: '{"name":"Bo","list":[{"a":1},{"b":2}]}' });
    expect(seen).toEqual([expected]);
  });

  it("may be a version or an alias, each with a policy of its own", async () => {
    const { Source, EventPattern } = source();
    await http.control.create("versions", "note", { snapStart: false });
    const version = await http.control.publish("versions");
    await http.control.call("CreateAlias", { FunctionName: "versions", Name: "live", FunctionVersion: version });
    await allow(http.control, "versions", { Qualifier: "live" });
    await allow(http.control, "versions", { Qualifier: version });
    await rule(
      { EventPattern },
      { Arn: `${FUNCTION_ARN}versions:live`, Input: '"alias"' },
      { Arn: `${FUNCTION_ARN}versions:${version}`, Input: '"version"' },
      { Arn: `${FUNCTION_ARN}versions`, Input: '"latest"' },
    );
    await put({ Source });
    // There is no order between targets.
    expect(new Set<unknown>(seen)).toEqual(new Set(["alias", "version"]));
    expect(http.control.problems.join()).toMatch(
      /target t2 of rule default\/rule-\d+: Error: The resource policy of .*:versions does not allow events\.amazonaws\.com to invoke it for arn:aws:events:/,
    );
  });

  it("that may not be called, or is not there, leaves a dead letter", async () => {
    const { Source, EventPattern } = source();
    await http.control.create("closed", "note", { snapStart: false });
    await allow(http.control, "closed", { SourceArn: `${RULE_ARN}another` });
    const letters = { DeadLetterConfig: { Arn: QUEUE } };
    const Name = await rule(
      { EventPattern },
      { Arn: `${FUNCTION_ARN}closed`, ...letters },
      { Arn: `${FUNCTION_ARN}gone`, ...letters },
      { Arn: `${FUNCTION_ARN}note:gone`, ...letters },
      {
        InputTransformer: { InputPathsMap: { q: "$.detail.q" }, InputTemplate: '{"a":"<q>"}' },
        ...letters,
      },
      { Input: "1" },
    );
    const before = http.control.destinations.sent.length;
    await put({ Source, Detail: JSON.stringify({ q: '"' }) });
    const sent = http.control.destinations.sent.slice(before);
    expect(seen).toEqual([1]);
    const valuesOf = (name: string) => sent.map(({ message }) => message.attributes[name]?.value);
    expect(sent.map(({ to }) => to)).toEqual(["letters", "letters", "letters", "letters"]);
    expect(valuesOf("ERROR_CODE")).toEqual(["NO_PERMISSIONS", "NO_RESOURCE", "NO_RESOURCE", "INVALID_PARAMETER"]);
    expect(valuesOf("RETRY_ATTEMPTS")).toEqual(["0", "0", "0", "0"]);
    expect(valuesOf("RULE_ARN")).toEqual(Array.from({ length: 4 }, () => `${RULE_ARN}${Name}`));
    expect(valuesOf("TARGET_ARN").slice(0, 3)).toEqual(["closed", "gone", "note:gone"].map((n) => FUNCTION_ARN + n));
    expect(JSON.parse(sent[0]?.message.body ?? "")).toMatchObject({ source: Source, detail: { q: '"' } });
  });

  it("is refused by name where a rule can't call it, or would not do what it asks for", async () => {
    const Rule = await rule({ EventPattern: source().EventPattern });
    const asked = (target: Partial<Target>) =>
      refusal(new PutTargetsCommand({ Rule, Targets: [{ Id: "t", Arn: `${FUNCTION_ARN}note`, ...target }] }));
    expect(await asked({ Arn: QUEUE })).toMatch(/^ValidationException: Target t is not supported by Thaw: .* not sqs/);
    expect(await asked({ Arn: `${BUS_ARN}default` })).toContain("rules call functions, and not events");
    expect(await asked({ Arn: "x" })).toBe(
      "ValidationException: Parameter x is not valid. Reason: Provided Arn is not in correct format.",
    );
    expect(await asked({ Arn: `arn:aws:lambda:${REGION}:111111111111:function:f` })).toContain("its own account");
    expect(await asked({ SqsParameters: { MessageGroupId: "g" } })).toContain("SqsParameters is not supported by Thaw");
    expect(await asked({ Input: "{" })).toMatch(/^ValidationException: JSON syntax error in input for target t: /);
    expect(await asked({ Input: "1", InputPath: "$" })).toBe(
      "ValidationException: Only one of Input, InputPath, or InputTransformer must be provided for target t.",
    );
    expect(await asked({ InputPath: "$..x" })).toContain("Invalid InputPath for target t.");
    expect(await asked({ InputTransformer: { InputTemplate: "<x" } })).toContain("Invalid InputTemplate for target t");
    expect(await asked({ InputTransformer: { InputPathsMap: { a: "x" }, InputTemplate: '"<a>"' } })).toContain(
      "x is no path",
    );
    expect(await asked({ DeadLetterConfig: { Arn: `${QUEUE}.fifo` } })).toContain("a standard SQS queue");
    expect(await asked({ RetryPolicy: { MaximumRetryAttempts: 186 } })).toContain("less than or equal to 185");
    const six = Array.from({ length: 6 }, (_, index) => ({ Id: `${index}`, Arn: `${FUNCTION_ARN}note` }));
    expect(await refusal(new PutTargetsCommand({ Rule, Targets: six }))).toBe(
      "LimitExceededException: The requested resource exceeds the maximum number allowed.",
    );
    expect((await client.send(new ListTargetsByRuleCommand({ Rule }))).Targets).toEqual([]);
  });

  it("is put, shown, put anew and removed", async () => {
    const Rule = await rule({ EventPattern: source().EventPattern });
    const one: Target = {
      Id: "one",
      Arn: `${FUNCTION_ARN}note`,
      RoleArn: `arn:aws:iam::${ACCOUNT}:role/r`,
      InputTransformer: { InputPathsMap: { a: "$.id" }, InputTemplate: '"<a>"' },
      DeadLetterConfig: { Arn: QUEUE },
      RetryPolicy: { MaximumRetryAttempts: 3, MaximumEventAgeInSeconds: 60 },
    };
    const two: Target = { Id: "two", Arn: `${FUNCTION_ARN}other:live`, InputPath: "$.detail" };
    await client.send(new PutTargetsCommand({ Rule, Targets: [two, one] }));
    expect((await client.send(new ListTargetsByRuleCommand({ Rule }))).Targets).toEqual([one, two]);
    const page = await client.send(new ListTargetsByRuleCommand({ Rule, Limit: 1 }));
    expect(page.Targets).toEqual([one]);
    const next = await client.send(new ListTargetsByRuleCommand({ Rule, NextToken: page.NextToken }));
    expect([next.Targets, next.NextToken]).toEqual([[two], undefined]);
    await client.send(new PutTargetsCommand({ Rule, Targets: [{ Id: "two", Arn: two.Arn, Input: "1" }] }));
    expect(await client.send(new ListRuleNamesByTargetCommand({ TargetArn: two.Arn }))).toMatchObject({
      RuleNames: [Rule],
    });
    expect(await refusal(new DeleteRuleCommand({ Name: Rule }))).toBe(
      "ValidationException: Rule can't be deleted since it has targets.",
    );
    expect(await client.send(new RemoveTargetsCommand({ Rule, Ids: ["one", "two", "three"] }))).toMatchObject({
      FailedEntryCount: 1,
      FailedEntries: [{ TargetId: "three", ErrorCode: "ResourceNotFoundException" }],
    });
    await client.send(new DeleteRuleCommand({ Name: Rule }));
    expect(await refusal(new DescribeRuleCommand({ Name: Rule }))).toBe(
      `ResourceNotFoundException: Rule ${Rule} does not exist on EventBus default.`,
    );
    expect(await refusal(new DeleteRuleCommand({ Name: Rule }))).toBe("done");
    expect(await refusal(new PutTargetsCommand({ Rule, Targets: [one] }))).toContain("does not exist on EventBus");
  });
});

describe("a rule", () => {
  it("is shown as it was put, and put anew as a whole", async () => {
    const { EventPattern } = source();
    const Name = await rule({ EventPattern, Description: "d", State: "DISABLED", Tags: [{ Key: "a", Value: "1" }] });
    expect(await client.send(new DescribeRuleCommand({ Name }))).toMatchObject({
      Name,
      Arn: `${RULE_ARN}${Name}`,
      EventPattern,
      State: "DISABLED",
      Description: "d",
      EventBusName: "default",
    });
    const { RuleArn } = await client.send(new PutRuleCommand({ Name, ScheduleExpression: "rate(1 day)" }));
    const shown = await client.send(new DescribeRuleCommand({ Name }));
    expect(shown).toMatchObject({ ScheduleExpression: "rate(1 day)", State: "ENABLED" });
    expect([shown.EventPattern, shown.Description]).toEqual([undefined, undefined]);
    await client.send(new TagResourceCommand({ ResourceARN: RuleArn, Tags: [{ Key: "b", Value: "2" }] }));
    await client.send(new UntagResourceCommand({ ResourceARN: RuleArn, TagKeys: ["a"] }));
    expect((await client.send(new ListTagsForResourceCommand({ ResourceARN: RuleArn }))).Tags).toEqual([
      { Key: "b", Value: "2" },
    ]);
  });

  it("that is disabled gives nothing, until it is enabled", async () => {
    const { Source, EventPattern } = source();
    const Name = await rule({ EventPattern }, { Input: "1" });
    await client.send(new DisableRuleCommand({ Name }));
    await put({ Source });
    expect(seen).toEqual([]);
    await client.send(new EnableRuleCommand({ Name }));
    await put({ Source });
    expect(seen).toEqual([1]);
  });

  it("is refused in AWS's words", async () => {
    const Name = "refused";
    const asked = (input: Partial<PutRuleCommandInput>) => refusal(new PutRuleCommand({ Name, ...input }));
    const EventPattern = '{"source":["x"]}';
    expect(await asked({})).toBe(
      "ValidationException: Parameter(s) EventPattern or ScheduleExpression must be specified.",
    );
    expect(await asked({ EventPattern: '{"source":"x"}' })).toBe(
      'InvalidEventPatternException: Event pattern is not valid. Reason: "source" must be an object or an array',
    );
    expect(await asked({ EventPattern: "{}" })).toContain("Empty objects are not allowed");
    expect(await asked({ ScheduleExpression: "rate(1 minutes)" })).toBe(
      "ValidationException: Parameter ScheduleExpression is not valid.",
    );
    expect(await asked({ EventPattern, EventBusName: "nowhere" })).toBe(
      "ResourceNotFoundException: Event bus nowhere does not exist.",
    );
    expect(await asked({ EventPattern, State: "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS" })).toContain(
      "CloudTrail",
    );
    expect(await refusal(new DescribeRuleCommand({ Name }))).toContain("ResourceNotFoundException");
    await client.send(new CreateEventBusCommand({ Name: "own" }));
    expect(await asked({ ScheduleExpression: "rate(1 day)", EventBusName: "own" })).toBe(
      "ValidationException: ScheduleExpression is supported only on the default event bus.",
    );
    expect(await asked({ EventPattern, EventBusName: "a b" })).toContain("ValidationException");
  });

  it("is listed by name, in pages", async () => {
    const EventBusName = `lists-${made++}`;
    await client.send(new CreateEventBusCommand({ Name: EventBusName }));
    const names = ["a-1", "a-2", "b-1"];
    for (const Name of names) await client.send(new PutRuleCommand({ Name, EventBusName, EventPattern: '{"a":[1]}' }));
    const first = await client.send(new ListRulesCommand({ EventBusName, Limit: 2 }));
    expect(first.Rules?.map(({ Name }) => Name)).toEqual(["a-1", "a-2"]);
    const second = await client.send(new ListRulesCommand({ EventBusName, NextToken: first.NextToken }));
    expect([second.Rules?.map(({ Arn }) => Arn), second.NextToken]).toEqual([
      [`${RULE_ARN}${EventBusName}/b-1`],
      undefined,
    ]);
    const prefixed = await client.send(new ListRulesCommand({ EventBusName, NamePrefix: "b" }));
    expect(prefixed.Rules).toHaveLength(1);
    expect(await refusal(new ListRulesCommand({ EventBusName, NextToken: "?" }))).toContain("NextToken is not valid");
  });

  it("pattern is tried by TestEventPattern", async () => {
    const event = {
      id: "1",
      account: ACCOUNT,
      source: "s",
      time: "2026-11-30T00:00:00Z",
      region: REGION,
      resources: [],
      "detail-type": "t",
      detail: { n: 5 },
    };
    const tried = (pattern: object) =>
      client.send(new TestEventPatternCommand({ EventPattern: JSON.stringify(pattern), Event: JSON.stringify(event) }));
    expect(await tried({ detail: { n: [{ numeric: [">", 4] }] } })).toMatchObject({ Result: true });
    expect(await tried({ detail: { n: [{ numeric: [">", 5] }] } })).toMatchObject({ Result: false });
    const EventPattern = '{"a":[1]}';
    expect(await refusal(new TestEventPatternCommand({ EventPattern, Event: "{}" }))).toContain("the event has no id");
    expect(await refusal(new TestEventPatternCommand({ EventPattern, Event: "{" }))).toContain("Event is not valid");
  });
});
