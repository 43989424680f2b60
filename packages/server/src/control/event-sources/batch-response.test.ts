import { describe, expect, it } from "vitest";
import { verdictOf } from "./batch-response.ts";

const IDS = new Set(["a", "b"]);
const of = (answer: string, isStream = false): unknown => verdictOf(Buffer.from(answer), IDS, isStream);
const items = (...entries: unknown[]): string => JSON.stringify({ batchItemFailures: entries });

describe("what a function says of its batch:", () => {
  it.for(["", "null", "{}", '{"foo":"bar"}', '{"batchItemFailures":null}', items()])("%j is a success", (answer) => {
    expect(of(answer)).toEqual({ kind: "success" });
  });

  it("named items failed, the others did not", () => {
    expect(of(items({ itemIdentifier: "b" }, { itemIdentifier: "b" }))).toEqual({
      kind: "partial",
      failed: new Set(["b"]),
    });
  });

  it.for([
    "(^_^)",
    '"ok"',
    "[]",
    "7",
    '{"batchItemFailures":"a"}',
    '{"batchItemFailures":{"itemIdentifier":"a"}}',
    items("a"),
    items(null),
    items({ itemIdentifier: "" }),
    items({ itemIdentifier: null }),
    items({ itemIdentifier: 1 }),
    items({ foo: "a" }),
    items({ itemIdentifier: "a" }, { itemIdentifier: "c" }),
  ])("%j fails the whole batch", (answer) => {
    expect(of(answer)).toMatchObject({ kind: "failure" });
  });

  it("of a stream an empty text or list is a success, too", () => {
    expect([of('""', true), of("[]", true)]).toEqual([{ kind: "success" }, { kind: "success" }]);
    expect(of('"ok"', true)).toMatchObject({ kind: "failure" });
  });

  it("very many entries are one item where they name one", () => {
    const many = Array.from({ length: 100_000 }, () => ({ itemIdentifier: "a" }));
    expect(of(items(...many))).toMatchObject({ kind: "partial" });
  });
});
