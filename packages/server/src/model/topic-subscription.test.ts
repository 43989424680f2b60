import { expect, it } from "vitest";
import { filterProblem, passesFilter, readTopicMessage, topicEvent } from "./topic-subscription.ts";

const TOPIC = "arn:aws:sns:us-east-1:123456789012:news";
const SENT = {
  Type: "Notification",
  MessageId: "m",
  TopicArn: TOPIC,
  Subject: "hello",
  Message: "text",
  Timestamp: "2026-01-02T03:04:05.678Z",
  SignatureVersion: "1",
  Signature: "s",
  SigningCertURL: "https://cert",
  UnsubscribeURL: "https://end",
  MessageAttributes: { kind: { Type: "String", Value: "new" }, wrong: { Type: "String" } },
};

it("a function sees a message as AWS shows it", () => {
  const message = readTopicMessage(JSON.stringify(SENT));
  if (message === null) throw new Error("it is a message");
  expect(JSON.parse(topicEvent(message, `${TOPIC}:one`))).toEqual({
    Records: [
      {
        EventSource: "aws:sns",
        EventVersion: "1.0",
        EventSubscriptionArn: `${TOPIC}:one`,
        Sns: {
          Type: "Notification",
          MessageId: "m",
          TopicArn: TOPIC,
          Subject: "hello",
          Message: "text",
          Timestamp: "2026-01-02T03:04:05.678Z",
          SignatureVersion: "1",
          Signature: "s",
          SigningCertUrl: "https://cert",
          UnsubscribeUrl: "https://end",
          MessageAttributes: { kind: { Type: "String", Value: "new" } },
        },
      },
    ],
  });
});

it.each(["", "null", "[]", "7", "{}", '{"Type":"Notification"}', '{"Type":"Other","TopicArn":"t"}', "{"])(
  "%j is no message",
  (text) => expect(readTopicMessage(text)).toBeNull(),
);

it.each(["null", "7", "[1]", '{"a":null}', '{"a":7}'])("attributes %s are none", (attributes) => {
  const text = `{"Type":"Notification","TopicArn":"t","MessageAttributes":${attributes}}`;
  expect(readTopicMessage(text)?.attributes).toEqual({});
});

it.each<[object, Record<string, [string, string]>, boolean]>([
  [{ kind: ["new"] }, { kind: ["String", "new"] }, true],
  [{ kind: ["new"] }, {}, false],
  [{ kind: [{ exists: false }] }, {}, true],
  [{ kind: [{ "anything-but": ["dull"] }] }, { kind: ["String", "new"] }, true],
  [{ price: [{ numeric: [">", 10] }] }, { price: ["Number", "12.5"] }, true],
  [{ price: [{ numeric: [">", 10] }] }, { price: ["String", "12.5"] }, false],
  [{ kind: ["b"] }, { kind: ["String.Array", '["a","b"]'] }, true],
  [{ kind: ["new"] }, { kind: ["Binary", "bmV3"] }, false],
  [{ a: ["1"], b: ["2"] }, { a: ["String", "1"], b: ["String", "3"] }, false],
])("policy %j for attributes %j: %s", (policy, given, expected) => {
  const attributes = Object.fromEntries(Object.entries(given).map(([name, [Type, Value]]) => [name, { Type, Value }]));
  const filter = { filterPolicy: JSON.stringify(policy), filterScope: "MessageAttributes" } as const;
  expect(passesFilter(filter, { message: "", attributes })).toBe(expected);
});

it.each([
  ['{"kind":{"of":"new"}}', true],
  ['{"kind":{"of":"old"}}', false],
  ["no JSON", false],
])("a policy for the body, of %s: %s", (message, expected) => {
  const filter = { filterPolicy: '{"kind":{"of":["new"]}}', filterScope: "MessageBody" } as const;
  expect(passesFilter(filter, { message, attributes: {} })).toBe(expected);
});

it("a policy that is none says why", () => {
  expect(filterProblem('{"kind":["new"]}')).toBeNull();
  expect(filterProblem('{"kind":"new"}')).toContain("kind");
});
