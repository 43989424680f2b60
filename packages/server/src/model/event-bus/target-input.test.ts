import { expect, it } from "vitest";
import { payloadOf, type InputFacts } from "./target-input.ts";

const LENGTH_MAX = 100_000;

function factsOf(detail: unknown, onParse: () => void = () => undefined): InputFacts {
  const event = JSON.stringify({ detail });
  const parsed = (): never => {
    onParse();
    return JSON.parse(event) as never;
  };
  return { ruleName: "r", ruleArn: "arn", event, parsed, ingestionTime: "now" };
}

it("a template is not filled in beyond the size of an event", () => {
  const facts = factsOf({ a: "x".repeat(10_000) });
  const of = (count: number): ReturnType<typeof payloadOf> =>
    payloadOf(
      { kind: "template", paths: { a: "$.detail.a" }, template: `"${"<a>".repeat(count)}"` },
      facts,
      LENGTH_MAX,
    );
  expect(of(9)).toHaveLength(9 * 10_000 + 2);
  expect(of(1000)).toBe("too large");
});

it("an event is read where a part of it is wanted", () => {
  let reads = 0;
  const facts = factsOf({ a: 1 }, () => reads++);
  expect(payloadOf({ kind: "whole" }, facts, LENGTH_MAX)?.toString()).toBe('{"detail":{"a":1}}');
  expect(reads).toBe(0);
  expect(payloadOf({ kind: "path", path: "$.detail" }, facts, LENGTH_MAX)?.toString()).toBe('{"a":1}');
  expect(reads).toBe(1);
});
