import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { compareClones, type CloneAnswer, type ComparisonContext, type SharedValue } from "./compare-clones.ts";
import { givenTexts, withoutGiven } from "./given-texts.ts";
import type { RequestPart } from "./http-request.ts";
import { entropyOf, findUniqueValues, formsInMemory } from "./unique-values.ts";

fc.configureGlobal({ seed: 1 });

const CREATED_AT_MS = Date.parse("2026-05-01T12:00:00Z");
const CONTEXT: ComparisonContext = {
  isKnown: () => false,
  given: [],
  snapshotCreatedAtMs: CREATED_AT_MS,
  invokedAtMs: CREATED_AT_MS + 60_000,
};

function answer(value: unknown, log: readonly string[] = [], sent: readonly RequestPart[] = []): CloneAnswer {
  return { payload: JSON.stringify(value), log, sent, startedAtMs: CREATED_AT_MS, endedAtMs: CREATED_AT_MS };
}

function kinds(shared: readonly SharedValue[]): readonly string[] {
  return shared.map((each) => `${each.kind} ${each.value.kind} ${each.value.place}`);
}

/** Distinct, so that nothing is equal by accident. */
const fourUuids = fc
  .uniqueArray(fc.uuid({ version: 4 }), { minLength: 4, maxLength: 4 })
  .filter((all) => all.every((each) => entropyOf(each) > 2));
const word = fc.stringMatching(/^[a-z]{3,12}$/);

describe("values in answers of clones", () => {
  it("finds a value of Init wherever it stands, and nothing where all are fresh", () => {
    fc.assert(
      fc.property(fourUuids, word, ([a = "", b = "", c = "", d = ""], name) => {
        const shape = (value: string): unknown => ({ order: [{ [name]: value }, "text", 7] });
        const place = `response.order[0].${name}`;
        const ofInit = compareClones(
          [
            [answer(shape(a)), answer(shape(a))],
            [answer(shape(a)), answer(shape(a))],
          ],
          CONTEXT,
        );
        expect(kinds(ofInit)).toEqual([`same uuid ${place}`]);
        const row = compareClones(
          [
            [answer(shape(a)), answer(shape(b))],
            [answer(shape(a)), answer(shape(b))],
          ],
          CONTEXT,
        );
        expect(kinds(row)).toEqual([`repeated uuid ${place}`, `repeated uuid ${place}`]);
        expect(
          compareClones(
            [
              [answer(shape(a)), answer(shape(b))],
              [answer(shape(c)), answer(shape(d))],
            ],
            CONTEXT,
          ),
        ).toEqual([]);
      }),
    );
  });

  it("does not depend on the order of the clones", () => {
    fc.assert(
      fc.property(fc.array(fc.uuid(), { maxLength: 4 }), fc.array(fc.uuid(), { maxLength: 4 }), (left, right) => {
        const clones = [
          [answer({ left, both: "0b5cd3ac-76a3-4f0c-9e5b-3a1f6f1f2f3e" })],
          [answer({ right, both: "0b5cd3ac-76a3-4f0c-9e5b-3a1f6f1f2f3e" })],
        ];
        const texts = (shared: readonly SharedValue[]): readonly string[] =>
          shared.map((each) => each.value.text).sort();
        expect(texts(compareClones(clones, CONTEXT))).toEqual(texts(compareClones(clones.toReversed(), CONTEXT)));
      }),
    );
  });

  it("finds values in logs, in text, in JSON inside a text, and beside the event's own", () => {
    const id = "0b5cd3ac-76a3-4f0c-9e5b-3a1f6f1f2f3e";
    const twice = (one: CloneAnswer, context = CONTEXT): readonly string[] =>
      kinds(
        compareClones(
          [
            [one, one],
            [one, one],
          ],
          context,
        ),
      );
    expect(twice(answer(null, [`INFO instance-${id} is ready`]))).toEqual(["same uuid log"]);
    expect(twice(answer(JSON.stringify({ body: id })))).toEqual(["same uuid response.body"]);
    expect(twice(answer({ salted: "kxqzvbnmhello" }), { ...CONTEXT, given: ["hello"] })).toEqual([
      "same random-string response.salted",
    ]);
    expect(twice(answer({ id }), { ...CONTEXT, isKnown: (text: string) => text === id })).toEqual([]);
  });

  it("finds values that only a server outside gets, in documents and beside names, and a row of them", () => {
    const [id, other] = ["0b5cd3ac-76a3-4f0c-9e5b-3a1f6f1f2f3e", "7d444840-9dc0-41d1-b245-5ffdce74fad2"];
    const sent = (text: string, name: string | null, place = "request to 10.0.0.1:80, body"): CloneAnswer =>
      answer({ ok: true }, [], [{ place, name, text }]);
    const twice = (one: CloneAnswer, two = one): readonly string[] =>
      kinds(
        compareClones(
          [
            [one, two],
            [one, two],
          ],
          CONTEXT,
        ),
      );
    expect(twice(sent(JSON.stringify({ order: { id } }), null))).toEqual([
      "same uuid request to 10.0.0.1:80, body.order.id",
    ]);
    expect(twice(sent("abcdefg", "x-session", "header"))).toEqual(["same random-string header"]);
    expect(twice(sent("abcdefg", "x-color", "header"))).toEqual([]);
    expect(
      twice(sent("1234567890123456789", "x-trace", "header"), sent("9876543210987654321", "x-trace", "header")),
    ).toHaveLength(2);
    expect(twice(sent(id, ""), sent(other, ""))).toEqual([
      "repeated uuid request to 10.0.0.1:80, body",
      "repeated uuid request to 10.0.0.1:80, body",
    ]);
    const everywhere = answer({ id }, [], [{ place: "request to 10.0.0.1:80, path", name: "", text: id }]);
    expect(twice(everywhere)).toEqual(["same uuid response.id"]);
  });

  it("takes times for what they are: of Init, of the invoke, or constants", () => {
    const shared = (time: unknown): readonly string[] =>
      kinds(compareClones([[answer({ time })], [answer({ time })]], CONTEXT));
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 600_000 }), (agoMs) => {
        expect(shared(CREATED_AT_MS - agoMs)).toEqual(["old-time time response.time"]);
        expect(shared(new Date(CREATED_AT_MS - agoMs).toISOString())).toEqual(["old-time time response.time"]);
        // Two invokes in the same second, or a constant of long ago.
        expect(shared(Math.floor((CREATED_AT_MS + 60_000 + agoMs) / 1000))).toEqual([]);
        expect(shared(CREATED_AT_MS - 86_400_000 - agoMs)).toEqual([]);
      }),
    );
  });

  it("takes a number that only looks like a time for a draw, where it is another one at each invoke", () => {
    const shared = (first: unknown, second: unknown): readonly string[] => {
      const clone = [answer({ value: first }), answer({ value: second })];
      return kinds(compareClones([clone, clone], CONTEXT));
    };
    expect(shared(2147483605, 1440021225)).toEqual(["repeated time response.value", "repeated time response.value"]);
    expect(shared(-1170105035, 234785527)).toEqual([
      "repeated random-number response.value",
      "repeated random-number response.value",
    ]);
    expect(shared(-0.4844218515250481, -0.7579544029403025)).toHaveLength(2);
    expect(shared(1440021225, 1440021225)).toEqual([]);
    expect(shared("2015-08-19T21:53:45Z", "2015-08-20T21:53:45Z")).toEqual([]);
    // Signed in the same seconds.
    expect(shared("20260501T120100Z", "20260501T120101Z")).toEqual([]);
  });

  it("refuses what can't be compared", () => {
    expect(() => compareClones([[answer(1)]], CONTEXT)).toThrow(RangeError);
    expect(() => compareClones([[answer(1)], []], CONTEXT)).toThrow(RangeError);
  });
});

describe("what looks unique", () => {
  it.each([
    "order",
    "getUserOrdersFromDatabase",
    "com.example.orders.OrderHandler",
    "application/json; charset=utf-8",
    "2.17.3-SNAPSHOT",
    "eu-west-1",
    3,
    0.5,
    1.25,
    true,
    null,
    "00000000-0000-0000-0000-000000000000",
    "aaaaaaaaaaaaaaaa1",
  ])("not %j", (value) => {
    expect(findUniqueValues(JSON.stringify({ value }), "response")).toEqual([]);
  });

  it.each([
    ["0b5cd3ac-76a3-4f0c-9e5b-3a1f6f1f2f3e", "uuid"],
    ["9f86d081884c7d659a2feaa0c55ad015", "hex"],
    ["Zk3n9QxTf81LmWp2aB7r", "random-string"],
    [0.8444218515250481, "random-number"],
    [1_777_636_800_123, "time"],
    ["2026-05-01T11:59:58.123456+00:00", "time"],
    ["20260501T115958Z", "time"],
  ])("%j is a %s", (value, kind) => {
    expect(findUniqueValues(JSON.stringify({ value }), "response").map((each) => each.kind)).toEqual([kind]);
  });

  it("never throws and gives a form in memory for each", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        for (const value of findUniqueValues(text, "response")) expect(formsInMemory(value).length).toBeGreaterThan(0);
      }),
    );
  });

  it("takes only texts out of an event that leave its JSON whole", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (event) => {
        const text = JSON.stringify({ event, id: 1 });
        const rest = withoutGiven(text, givenTexts(event).texts);
        expect(() => JSON.parse(rest) as unknown).not.toThrow();
      }),
    );
  });
});

describe("answers of any size and form are compared", () => {
  const UUID = "0b5c8a9e-3f6d-4c1b-9a7e-2d4f6a8c0e1b";

  it("a member that is a long list of times, written as a text", () => {
    const text = "1700000000 ".repeat(200_000);
    expect(findUniqueValues(JSON.stringify({ body: text }), "response")).toHaveLength(2000);
    expect(findUniqueValues(text, "response")).toHaveLength(2000);
  });

  it("a document that is deeper than can be walked through", () => {
    const deep = `${"[".repeat(200_000)}"${UUID}"${"]".repeat(200_000)}`;
    expect(findUniqueValues(deep, "response")).toEqual([]);
    expect(findUniqueValues(`${"[".repeat(900)}"${UUID}"${"]".repeat(900)}`, "response")).toHaveLength(1);
  });

  it("many shared values are not compared with one another", () => {
    const log = Array.from({ length: 1000 }, (_, at) => `id ${at.toString(16).padStart(8, "0")}a1b2c3d4e5f60718`);
    const both = [[answer({}, log)], [answer({}, log)]];
    const looks = vi.spyOn(Array.prototype, "some");
    try {
      expect(compareClones(both, CONTEXT)).toHaveLength(1000);
      const looked = looks.mock.contexts.reduce((sum: number, list) => sum + (list as unknown[]).length, 0);
      expect(looked).toBeLessThan(20_000);
    } finally {
      looks.mockRestore();
    }
  });
});

it("a text that is one word of megabytes is looked through", () => {
  expect(findUniqueValues("a1b2c3d4e5f60718".repeat(400_000), "response").length).toBeGreaterThan(0);
});
