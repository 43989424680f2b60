import { expect, it } from "vitest";
import { EVENT_TYPES, type NotificationRule, overlap, rulesFor } from "./rules.ts";

const RULE: NotificationRule = {
  id: "one",
  kind: "Queue",
  arn: "arn:aws:sqs:us-east-1:000000000000:q",
  events: ["s3:ObjectCreated:*"],
  prefix: null,
  suffix: null,
};

it.each<[Partial<NotificationRule>, Parameters<typeof rulesFor>[1], string, boolean]>([
  [{}, "ObjectCreated:Put", "any", true],
  [{}, "ObjectRemoved:Delete", "any", false],
  [{ events: ["s3:ObjectCreated:Put"] }, "ObjectCreated:Copy", "any", false],
  [{ events: ["s3:ObjectCreated:Copy", "s3:ObjectRemoved:Delete"] }, "ObjectRemoved:Delete", "any", true],
  [{ events: ["s3:ObjectRemoved:Delete"] }, "ObjectRemoved:DeleteMarkerCreated", "any", false],
  [{ prefix: "in/" }, "ObjectCreated:Put", "in/a.jpg", true],
  [{ prefix: "in/" }, "ObjectCreated:Put", "out/in/a.jpg", false],
  [{ prefix: "in/", suffix: ".jpg" }, "ObjectCreated:Put", "in/a.png", false],
  [{ prefix: "ab", suffix: "bc" }, "ObjectCreated:Put", "abc", true],
  [{ prefix: "", suffix: "" }, "ObjectCreated:Put", "x", true],
])("a rule with %j is for %s of %s: %s", (more, name, key, isFor) => {
  expect(rulesFor([{ ...RULE, ...more }], name, key).length === 1).toBe(isFor);
});

it.each<[Partial<NotificationRule>, Partial<NotificationRule>, boolean]>([
  [{}, {}, true],
  [{ events: ["s3:ObjectCreated:Put"] }, {}, true],
  [{ events: ["s3:ObjectCreated:Put"] }, { events: ["s3:ObjectCreated:Copy"] }, false],
  [{ events: ["s3:ObjectRemoved:*"] }, {}, false],
  [{ prefix: "a/" }, { prefix: "b/" }, false],
  [{ prefix: "a/" }, { prefix: "a/b/" }, true],
  [{ prefix: "a/" }, {}, true],
  [{ prefix: "a/", suffix: ".jpg" }, { prefix: "a/", suffix: ".png" }, false],
  [{ suffix: ".jpg" }, { suffix: "jpg" }, true],
  [{ prefix: "a/", suffix: ".jpg" }, { prefix: "b/", suffix: ".jpg" }, false],
])("rules with %j and %j overlap: %s", (one, other, expected) => {
  const [a, b] = [
    { ...RULE, ...one },
    { ...RULE, ...other },
  ];
  expect([overlap(a, b), overlap(b, a)]).toEqual([expected, expected]);
});

it("types are S3's", () => {
  expect(EVENT_TYPES.has("s3:ObjectCreated:*")).toBe(true);
  expect(EVENT_TYPES.has("s3:LifecycleTransition")).toBe(true);
  expect(EVENT_TYPES.has("s3:ObjectCreated:Get")).toBe(false);
});
