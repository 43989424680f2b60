/** Functions that subscribe topics of another service: what it is asked, and what is made of what it sends. */
import { CallError, type CallInput, type CallOutput, type PassedServices } from "@thaw/server/testing/ports";
import { expect, it, onTestFinished } from "vitest";
import { FUNCTION_ARN, noting, type Seen } from "./events-harness.ts";
import { ControlHarness } from "./harness.ts";
import { HttpHarness } from "./http-harness.ts";

const TOPIC = "arn:aws:sns:us-east-1:123456789012:news";
const NOTE = `${FUNCTION_ARN}note`;
const BASE = "http://thaw.example:9000";
const POLICY = '{"kind":["new"]}';

interface Asked {
  readonly operation: string;
  readonly input: CallInput;
}

/** A service of topics, as far as it is asked here. */
class Topics implements Pick<PassedServices, "hasEndpoint" | "call"> {
  readonly asked: Asked[] = [];
  readonly filters = new Map<string, unknown>();
  readonly there = new Set<string>();
  /** Called before each answer; what it throws is the answer. */
  before: (asked: Asked) => void = () => undefined;

  hasEndpoint(): boolean {
    return true;
  }

  async call(_region: string, _service: string, operation: string, input: CallInput): Promise<CallOutput> {
    this.asked.push({ operation, input });
    this.before({ operation, input });
    const arn = String(input["SubscriptionArn"] ?? `${TOPIC}:${String(input["Endpoint"]).slice(-8)}`);
    if (operation === "Subscribe") {
      this.there.add(arn);
      this.filters.set(arn, (input["Attributes"] as { readonly FilterPolicy?: string } | undefined)?.FilterPolicy);
      return { SubscriptionArn: arn };
    }
    if (operation !== "ConfirmSubscription" && !this.there.has(arn)) throw new CallError("sns", "NotFound", "none");
    if (operation === "Unsubscribe") this.there.delete(arn);
    if (operation === "SetSubscriptionAttributes" && input["AttributeName"] === "FilterPolicy")
      this.filters.set(arn, input["AttributeValue"]);
    return operation === "GetSubscriptionAttributes" ? { Attributes: { FilterPolicy: this.filters.get(arn) } } : {};
  }

  /** Takes what was asked since. */
  operations(): readonly string[] {
    return this.asked.splice(0).map(({ operation }) => operation);
  }

  /** The id in the address that was subscribed last. */
  id(): string {
    const asked = this.asked.findLast(({ operation }) => operation === "Subscribe");
    return String(asked?.input["Endpoint"]).slice(`${BASE}/_thaw/sns/`.length);
  }
}

async function start() {
  const { seen, functions } = noting();
  const topics = new Topics();
  const harness = await ControlHarness.start({ functions, services: { passed: topics } });
  onTestFinished(() => harness.end());
  harness.control.topics.listening(BASE);
  await harness.create("note", "note", { snapStart: false });
  const allow = (SourceArn: string) =>
    harness.call("AddPermission", {
      FunctionName: "note",
      StatementId: "sns",
      Action: "lambda:InvokeFunction",
      Principal: "sns.amazonaws.com",
      SourceArn,
    });
  const call = (operation: string, input: CallInput): Promise<CallOutput | null> =>
    harness.orDeath(harness.control.topics.call(operation, input));
  const subscribe = (Attributes: object = {}, more: object = {}) =>
    call("Subscribe", { TopicArn: TOPIC, Protocol: "lambda", Endpoint: NOTE, Attributes, ...more });
  const send = async (id: string, message: object): Promise<string> => {
    const body = JSON.stringify({ Type: "Notification", TopicArn: TOPIC, MessageId: "m", Message: "text", ...message });
    return harness.orDeath(harness.control.topics.receive(id, body));
  };
  const heard = async (): Promise<readonly unknown[]> => {
    await harness.advance(0);
    return seen
      .splice(0)
      .map(({ Records }: Seen) => (Records as ReadonlyArray<{ Sns: { Message: string } }>)[0]?.Sns.Message);
  };
  return { harness, topics, allow, call, subscribe, send, heard };
}

const refusal = (asked: Promise<unknown>) => asked.then(String, (error: Error) => error.message);

it("a topic gets an address, and what it sends there reaches the function", async () => {
  const { topics, allow, subscribe, send, heard, call, harness } = await start();
  await allow(TOPIC);
  const made = await subscribe();
  expect(topics.asked[0]).toEqual({
    operation: "Subscribe",
    input: {
      TopicArn: TOPIC,
      Protocol: "http",
      Endpoint: expect.stringMatching(/^http:\/\/thaw\.example:9000\/_thaw\/sns\/[\w-]{43}$/),
      ReturnSubscriptionArn: true,
    },
  });
  const id = topics.id();
  expect(await send(id, { Message: "one" })).toBe("taken");
  expect(await heard()).toEqual(["one"]);
  // A second time it is the same.
  expect(await subscribe()).toEqual(made);
  topics.operations();
  await call("Unsubscribe", made as CallInput);
  expect([topics.operations(), topics.there.size]).toEqual([["Unsubscribe"], 0]);
  expect(await send(id, {})).toBe("unknown");
  // Those of others are the service's.
  expect(await call("Unsubscribe", made as CallInput)).toBeNull();
  expect(await call("Subscribe", { TopicArn: TOPIC, Protocol: "sqs", Endpoint: "arn" })).toBeNull();
  expect(harness.problems).toEqual([]);
});

it("only messages of the topic are taken, and only its confirmations are answered", async () => {
  const { topics, allow, subscribe, send, heard, harness } = await start();
  await allow(TOPIC);
  await subscribe();
  const id = topics.id();
  topics.operations();
  expect(await send(id, { TopicArn: `${TOPIC}2` })).toBe("wrong topic");
  expect(await send("somewhere", {})).toBe("unknown");
  expect(await harness.control.topics.receive(id, "{")).toBe("not a message");
  const confirmation = { Type: "SubscriptionConfirmation", Token: "t", SubscribeURL: "http://127.0.0.1:1/" };
  expect(await send(id, { ...confirmation, TopicArn: `${TOPIC}2` })).toBe("wrong topic");
  expect(topics.operations()).toEqual([]);
  expect(await send(id, confirmation)).toBe("taken");
  expect(topics.asked).toEqual([{ operation: "ConfirmSubscription", input: { TopicArn: TOPIC, Token: "t" } }]);
  expect(await send(id, { Type: "UnsubscribeConfirmation" })).toBe("taken");
  expect(await heard()).toEqual([]);
});

const NEW = { MessageAttributes: { kind: { Type: "String", Value: "new" } } };

it("a filter is the service's where it has it, and Thaw's where it has not", async () => {
  const { topics, allow, subscribe, send, heard, call } = await start();
  await allow(TOPIC);
  const made = await subscribe({ FilterPolicy: POLICY });
  // moto sends no attributes: what it sends has passed.
  await send(topics.id(), { Message: "filtered there" });
  expect(await heard()).toEqual(["filtered there"]);
  await call("Unsubscribe", made as CallInput);
  topics.before = ({ operation, input }) => {
    if (operation === "Subscribe" && Object.keys((input["Attributes"] ?? {}) as object).length > 0)
      throw new CallError("sns", "InvalidParameter", "what is that?");
  };
  const again = await subscribe({ FilterPolicy: POLICY });
  const id = topics.id();
  await send(id, { Message: "dull" });
  await send(id, { Message: "new", ...NEW });
  expect(await heard()).toEqual(["new"]);
  const set = (AttributeName: string, AttributeValue: string) =>
    call("SetSubscriptionAttributes", { ...again, AttributeName, AttributeValue });
  await set("FilterPolicyScope", "MessageBody");
  await send(id, { Message: '{"kind":"new"}' });
  await send(id, { Message: "new", ...NEW });
  expect(await heard()).toEqual(['{"kind":"new"}']);
  await set("FilterPolicy", "{}");
  await send(id, { Message: "any" });
  expect(await heard()).toEqual(["any"]);
});

it("a change of a filter goes to the service", async () => {
  const { topics, subscribe, call } = await start();
  const made = await subscribe({ FilterPolicy: POLICY });
  topics.asked.splice(0);
  const AttributeValue = '{"kind":["old"]}';
  await call("SetSubscriptionAttributes", { ...made, AttributeName: "FilterPolicy", AttributeValue });
  expect(topics.asked.filter(({ operation }) => operation === "SetSubscriptionAttributes")).toMatchObject([
    { input: { AttributeName: "FilterPolicyScope", AttributeValue: "MessageAttributes" } },
    { input: { AttributeName: "FilterPolicy", AttributeValue } },
  ]);
});

it.each<[object, object, string]>([
  [{}, { TopicArn: `${TOPIC}.fifo` }, "a function subscribes a standard topic"],
  [{}, { Endpoint: "note" }, "Lambda endpoint ARN"],
  [
    {},
    { Endpoint: NOTE.replace("us-east-1", "eu-west-1") },
    "the function must be of account 000000000000 in us-east-1",
  ],
  [{ FilterPolicy: "{" }, {}, "FilterPolicy: "],
  [{ FilterPolicy: '{"a":1}' }, {}, "FilterPolicy: "],
  [{ FilterPolicyScope: "Body" }, {}, "FilterPolicyScope: Invalid value"],
  [{ RedrivePolicy: '{"deadLetterTargetArn":"q"}' }, {}, "must be the ARN of a standard SQS queue"],
  [{ RawMessageDelivery: "true" }, {}, "RawMessageDelivery: a function's subscription has"],
])("a subscription with %j and %j is refused", async (attributes, more, message) => {
  const { topics, subscribe } = await start();
  expect(await refusal(subscribe(attributes, more))).toContain(message);
  expect(topics.asked).toEqual([]);
});

it("what a service refuses leaves nothing, and its words are told", async () => {
  const { topics, subscribe, harness } = await start();
  topics.before = () => {
    throw new CallError("sns", "NotFound", "Topic does not exist");
  };
  expect(await refusal(subscribe())).toBe("Topic does not exist");
  expect(await harness.store.listAccountEntries("topicSubscription")).toEqual([]);
});

it("a message that the function may not have goes to the dead-letter queue, or is told of", async () => {
  const { topics, allow, subscribe, send, heard, call, harness } = await start();
  await allow(`${TOPIC}2`);
  const made = await subscribe();
  expect(await send(topics.id(), { Message: "one" })).toBe("taken");
  expect(harness.problems.splice(0)).toEqual([expect.stringMatching(/a message of .*:news for .*:note is dropped/)]);
  const deadLetterTargetArn = "arn:aws:sqs:us-east-1:123456789012:letters";
  const AttributeValue = JSON.stringify({ deadLetterTargetArn });
  await call("SetSubscriptionAttributes", { ...made, AttributeName: "RedrivePolicy", AttributeValue });
  expect(await send(topics.id(), { Message: "two" })).toBe("taken");
  expect(await heard()).toEqual([]);
  expect(harness.destinations.sent.map(({ to, message }) => [to, JSON.parse(message.body).Message])).toEqual([
    ["letters", "two"],
  ]);
});

it("a server that ended while it subscribed does it again, with the same address", async () => {
  const { topics, subscribe, harness } = await start();
  let isFirst = true;
  topics.before = () => {
    if (isFirst) harness.life.isOver = true;
    isFirst = false;
  };
  await subscribe().catch(() => undefined);
  const before = topics.id();
  harness.crash();
  await harness.start();
  harness.control.topics.listening(BASE);
  await subscribe();
  expect([topics.id(), topics.there.size]).toEqual([before, 1]);
  expect(await harness.store.listAccountEntries("topicSubscription")).toHaveLength(1);
});

it("after a start, what a service lost or has with another address is subscribed anew", async () => {
  const { topics, allow, subscribe, send, heard, harness } = await start();
  await allow(TOPIC);
  await subscribe();
  const id = topics.id();
  for (const [base, asked] of [
    [BASE, ["GetSubscriptionAttributes"]],
    ["http://other.example", ["GetSubscriptionAttributes", "Subscribe", "Unsubscribe"]],
  ] as const) {
    topics.operations();
    await harness.restart();
    harness.control.topics.listening(base);
    await harness.advance(0);
    expect(topics.operations()).toEqual(asked);
  }
  topics.there.clear();
  let isAway = true;
  topics.before = () => {
    if (isAway) throw new CallError("sns", "EndpointAway", "it does not answer");
  };
  await harness.restart();
  harness.control.topics.listening(BASE);
  await harness.advance(0);
  isAway = false;
  await harness.advance(30_000);
  expect(topics.there.size).toBe(1);
  expect(await send(id, { Message: "again" })).toBe("taken");
  expect(await heard()).toEqual(["again"]);
  expect(harness.problems).toEqual([]);
});

it("the address needs no signature, and takes messages only", async () => {
  const { seen, functions } = noting();
  const topics = new Topics();
  const http = await HttpHarness.start({ functions, services: { passed: topics } });
  onTestFinished(() => http[Symbol.asyncDispose]());
  http.control.control.topics.listening(BASE);
  await http.control.create("note", "note", { snapStart: false });
  const permission = { StatementId: "sns", Action: "lambda:InvokeFunction", Principal: "sns.amazonaws.com" };
  await http.control.call("AddPermission", { FunctionName: "note", ...permission });
  await http.control.control.topics.call("Subscribe", { TopicArn: TOPIC, Protocol: "lambda", Endpoint: NOTE });
  const post = async (id: string, body: string): Promise<number> =>
    (await fetch(`http://${http.host}/_thaw/sns/${id}`, { method: "POST", body })).status;
  const message = JSON.stringify({ Type: "Notification", TopicArn: TOPIC, Message: "text" });
  expect(await post(topics.id(), message)).toBe(200);
  expect(await post("somewhere", message)).toBe(404);
  expect(await post(topics.id(), "text")).toBe(400);
  expect(await post(topics.id(), message.replace("news", "olds"))).toBe(403);
  expect(await post(topics.id(), "x".repeat(2 * 2 ** 20 + 1))).toBe(413);
  expect((await fetch(`http://${http.host}/_thaw/sns/${topics.id()}`)).status).toBe(404);
  await http.control.advance(0);
  expect(seen).toMatchObject([{ Records: [{ Sns: { Message: "text" } }] }]);
});
