import { describe, expect, test, vi } from "vitest";
import { EventPattern, isEventPattern, MatchedEvent } from "./event-pattern.ts";

const matches = (pattern: unknown, event: unknown): boolean =>
  EventPattern.of(JSON.stringify(pattern)).matches(MatchedEvent.of(JSON.stringify(event)));

test.for([
  '{"eventName":["INSERT"]}',
  '{"body":{"temperature":[{"numeric":[">",0,"<=",5]}],"key":["a",1,null,true]}}',
  '{"a":[{"prefix":"x"},{"suffix":{"equals-ignore-case":".PNG"}},{"exists":false},{"anything-but":["a","b"]}]}',
  '{"$or":[{"a":["b"]},{"c":[{"anything-but":{"prefix":"x"}}]}]}',
  '{"$or":{"x":["b"]}}',
  '{"a":[{"wildcard":"*/x\\\\*\\\\\\\\*.png"},{"cidr":"10.0.0.0/24"},{"cidr":"2001:db8::/32"}]}',
  '{"a":[{"anything-but":{"suffix":["x","y"]}},{"anything-but":{"wildcard":"*a*"}}]}',
  "{}",
])("%s is a pattern", (text) => {
  expect(isEventPattern(text)).toBe(true);
});

test.for([
  ["", "Unexpected end of JSON input"],
  ["simple text", "Unexpected token"],
  ['"text"', "Filter is not an object"],
  ["[]", "Filter is not an object"],
  ['{"eventName":"INSERT"}', '"eventName" must be an object or an array'],
  ['{"int":42}', '"int" must be an object or an array'],
  ['{"eventName":[]}', "Empty arrays are not allowed"],
  ['{"detail":{}}', "Empty objects are not allowed"],
  ['{"eventName":[["INSERT"]]}', "Match value must be String, number, true, false, or null"],
  ['{"a":[{"unknown":1}]}', "Unrecognized match type unknown"],
  ['{"my_key":[{"EXISTS":true}]}', "Unrecognized match type EXISTS"],
  ['{"a":[{"prefix":1}]}', "prefix match pattern must be a string"],
  ['{"a":[{"prefix":{"suffix":"x"}}]}', "Unsupported prefix pattern: suffix"],
  ['{"a":[{"prefix":"a","suffix":"b"}]}', "Only one key allowed in match expression"],
  ['{"a":[{"numeric":[">"]}]}', "Value of > must be numeric"],
  ['{"a":[{"numeric":["~",1]}]}', "Unrecognized numeric range operator: ~"],
  ['{"detail":{"c-count":[{"numeric":[">",0,">",0]}]}}', "Bad numeric range operator: >"],
  ['{"detail":{"c-count":[{"numeric":[">",0,"<"]}]}}', "Value of < must be numeric"],
  ['{"a":[{"numeric":["<",1,">",0]}]}', "Too many elements in numeric expression"],
  ['{"a":[{"exists":"yes"}]}', "exists match pattern must be either true or false."],
  ['{"a":[{"anything-but":[]}]}', "Inside anything but list, either all values are number or string"],
  ['{"a":[{"anything-but":["a",1]}]}', "Inside anything but list, either all values are number or string"],
  ['{"a":[{"anything-but":{"numeric":[1]}}]}', "Unsupported anything-but pattern: numeric"],
  ['{"a":[{"anything-but":{"prefix":""}}]}', "Null prefix/suffix not allowed"],
  ['{"a":[{"anything-but":{"equals-ignore-case":123}}]}', "Inside anything-but/equals-ignore-case list, number"],
  ['{"a":[{"equals-ignore-case":["x"]}]}', "equals-ignore-case match pattern must be a string"],
  ['{"$or":[{"a":["b"]}]}', "There must have at least 2 Objects in $or relationship."],
  ['{"$or":[{"a":["b"]},1]}', "Only JSON object is allowed in array of $or relationship."],
  ['{"a":[{}]}', "Match expression name not found"],
  ['{"a":[{"wildcard":"arn:aws:events:us-east-1:**:event-bus/*"}]}', "Consecutive wildcard characters at pos 26"],
  ['{"a":[{"wildcard":"\\\\a"}]}', "Invalid escape character at pos 1"],
  ['{"a":[{"cidr":"10.0.0.0"}]}', "Malformed CIDR, one '/' required"],
  ['{"a":[{"cidr":"bad-ip/16"}]}', "Nonstandard IP address: bad-ip"],
  ['{"a":[{"cidr":"10.0.0.0/64"}]}', "Malformed CIDR, mask bits must be < 33"],
  ['{"a":{"b":["x"]},"a.b":["y"]}', "Path `a.b` cannot be allowed multiple times"],
  ['{"a":["x"],"a.b":["y"]}', "Path `a` cannot be allowed multiple times"],
  [`${'{"a":'.repeat(500)}["x"]${"}".repeat(500)}`, "JSON is nested deeper than 100 levels"],
  ['{"a":[{"toString":"x"}]}', "Unrecognized match type toString"],
] as const)("%s is none", ([text, reason]) => {
  expect(() => EventPattern.of(text)).toThrow(reason);
  expect(isEventPattern(text)).toBe(false);
});

describe("a field", () => {
  test.for([
    ["a text", ["x"], "x", true],
    ["another text", ["x"], "X", false],
    ["one of several", ["x", 1, null], 1, true],
    ["a number, however it is written", [300], 3e2, true],
    ["a number, a text", ["1"], 1, false],
    ["null", [null], null, true],
    ["an empty text", [""], "", true],
    ["an empty text, null", [""], null, false],
    ["true", [true], true, true],
    ["an item of a list", ["x"], ["y", "x"], true],
    ["an item of lists in lists", ["x"], [["y", ["x"]]], true],
    ["no item", ["x"], [], false],
    ["an object", ["x"], { x: "x" }, false],
    ["an item in other lists", ["x", "z"], ["y", "z"], true],
    ["a prefix", [{ prefix: "ab" }], "abc", true],
    ["a prefix, a number", [{ prefix: "" }], 1, false],
    ["a prefix in any case", [{ prefix: { "equals-ignore-case": "AB" } }], "aBc", true],
    ["a suffix", [{ suffix: ".png" }], "x.png", true],
    ["a suffix in any case", [{ suffix: { "equals-ignore-case": ".PNG" } }], "x.pNg", true],
    ["a text in any case", [{ "equals-ignore-case": "aB" }], "Ab", true],
    ["a wildcard", [{ wildcard: "a*c*e" }], "abcde", true],
    ["a wildcard of nothing", [{ wildcard: "a*b" }], "ab", true],
    ["a wildcard whose ends would overlap", [{ wildcard: "aba*ba" }], "aba", false],
    ["a wildcard with an escape", [{ wildcard: "a\\*\\\\*" }], "a*\\x", true],
    ["a wildcard with an escape, without it", [{ wildcard: "a\\*" }], "ab", false],
    ["a wildcard, not in order", [{ wildcard: "*b*a*" }], "ab", false],
    ["a wildcard whose middle is in the end", [{ wildcard: "*bc*c" }], "abc", false],
    ["a range", [{ numeric: [">", 0, "<=", 5] }], 5, true],
    ["a range, at its open end", [{ numeric: [">", 0, "<=", 5] }], 0, false],
    ["a range, a text", [{ numeric: [">", 0] }], "5", false],
    ["an equal number", [{ numeric: ["=", 0.3] }], 0.3, true],
    ["an address of a network", [{ cidr: "10.0.0.0/24" }], "10.0.0.255", true],
    ["an address of none", [{ cidr: "10.0.0.0/24" }], "10.0.1.0", false],
    ["an address of the other version", [{ cidr: "10.0.0.0/0" }], "::1", false],
    ["an address, not in four numbers", [{ cidr: "10.0.0.0/8" }], "10.1", false],
    ["an address with a number too large", [{ cidr: "0.0.0.0/0" }], "10.0.0.256", false],
    ["an address of version 6, of another network", [{ cidr: "2001:db8::/32" }], "2001:db9::1", false],
    ["an address of version 6 that ends as one of version 4", [{ cidr: "::ffff:a00:0/104" }], "::ffff:10.1.2.3", true],
    ["no address of version 6", [{ cidr: "::/0" }], "1::2::3", false],
    ["an address of version 6 with a group too many", [{ cidr: "::/0" }], "1:2:3:4:5:6:7:8:9", false],
    ["an address, no text", [{ cidr: "10.0.0.0/24" }], 10, false],
    ["an address of version 6", [{ cidr: "2001:db8::/32" }], "2001:db8:1::1", true],
    ["anything but a text", [{ "anything-but": "x" }], "y", true],
    ["anything but that text", [{ "anything-but": "x" }], "x", false],
    ["anything but texts, null", [{ "anything-but": ["x", "y"] }], null, true],
    ["anything but numbers", [{ "anything-but": [0, 1] }], 2, true],
    ["anything but 0, 0", [{ "anything-but": 0 }], 0, false],
    ["anything but a prefix, a number", [{ "anything-but": { prefix: "1" } }], 1, true],
    ["anything but prefixes", [{ "anything-but": { prefix: ["a", "b"] } }], "bc", false],
    ["anything but a suffix", [{ "anything-but": { suffix: ".txt" } }], "a.png", true],
    ["anything but a wildcard", [{ "anything-but": { wildcard: "*/x/*" } }], "a/x/b", false],
    ["anything but a text in any case", [{ "anything-but": { "equals-ignore-case": ["A"] } }], "a", false],
    ["a value that is there", [{ exists: true }], null, true],
    ["a value that is there, an object", [{ exists: true }], { b: 1 }, false],
    ["no value, an object", [{ exists: false }], { b: 1 }, true],
    ["no value, an empty list", [{ exists: false }], [], true],
    ["no value, or this", [{ exists: false }, "x"], "x", true],
    ["no value, one", [{ exists: false }], "x", false],
  ] as const)("%s", ([, rules, value, isMatch]) => {
    expect(matches({ detail: { a: rules } }, { detail: { a: value } })).toBe(isMatch);
  });

  test.for([
    [[{ exists: false }], true],
    [[{ exists: true }], false],
    [[{ "anything-but": "x" }], false],
    [[null], false],
  ] as const)("that is not there: %j", ([rules, isMatch]) => {
    expect(matches({ detail: { a: rules } }, { detail: {} })).toBe(isMatch);
    expect(matches({ detail: { a: rules } }, {})).toBe(isMatch);
  });
});

describe("an event", () => {
  test("must match in all fields", ({ expect: see }) => {
    see(matches({ a: [1], b: [2] }, { a: 1, b: 2, c: 3 })).toBe(true);
    see(matches({ a: [1], b: [2] }, { a: 1, b: 3 })).toBe(false);
  });

  test("has one item of a list in which all is as the pattern says", ({ expect: see }) => {
    const items = [
      { a: 1, b: 2 },
      { a: 3, b: 4 },
    ];
    see(matches({ items: { a: [3], b: [4] } }, { items })).toBe(true);
    see(matches({ items: { a: [1], b: [4] } }, { items })).toBe(false);
  });

  test("lacks a field only where no item of a list has it", ({ expect: see }) => {
    see(matches({ items: { a: [{ exists: false }] } }, { items: [{ a: 1 }, { b: 2 }] })).toBe(false);
    see(matches({ items: { a: [{ exists: false }] } }, { items: [{ c: 1 }, { b: 2 }] })).toBe(true);
  });

  test("may have names that are joined by dots, and so may the pattern", ({ expect: see }) => {
    see(matches({ "detail.state": ["x"] }, { detail: { state: "x" } })).toBe(true);
    see(matches({ detail: { state: ["x"], b: [1] } }, { "detail.state": "x", detail: { b: 1 } })).toBe(true);
    see(matches({ "detail.state": ["x"] }, { detail: { state: "y" } })).toBe(false);
    see(matches({ a: { toString: [{ exists: false }] } }, { "a.__proto__.x": 1 })).toBe(true);
    see(matches({ a: { __proto__x: [1] } }, { "a.b": 2, "a.__proto__x": 1 })).toBe(true);
  });

  test("matches one of the choices, and the rest", ({ expect: see }) => {
    const pattern = { source: ["s"], detail: { $or: [{ a: [1] }, { b: [{ numeric: ["<", 10] }] }], c: ["x"] } };
    see(matches(pattern, { source: "s", detail: { a: 1, c: "x" } })).toBe(true);
    see(matches(pattern, { source: "s", detail: { b: 9, c: "x" } })).toBe(true);
    see(matches(pattern, { source: "s", detail: { a: 2, b: 10, c: "x" } })).toBe(false);
    see(matches(pattern, { source: "s", detail: { a: 1, c: "y" } })).toBe(false);
  });

  test("is refused where it is too deep, and where it takes too long", ({ expect: see }) => {
    see(() => MatchedEvent.of(`${"[".repeat(1001)}${"]".repeat(1001)}`)).toThrow("nested deeper than 1000");
    see(() => MatchedEvent.of("{")).toThrow();
    const rules = Array.from({ length: 200 }, (_, index) => ({ prefix: `p${index}` }));
    const event = MatchedEvent.of(JSON.stringify({ a: Array.from({ length: 200_000 }, () => "x") }));
    see(() => EventPattern.of(JSON.stringify({ a: rules })).matches(event)).toThrow("too large for the patterns");
  });

  test("matches the empty pattern", ({ expect: see }) => {
    const pattern = EventPattern.of("{}");
    see(pattern.isEmpty).toBe(true);
    see(pattern.matches(MatchedEvent.of('{"a":1}'))).toBe(true);
  });
});

describe("rules for texts cost what they read of the value", () => {
  const value = "A".repeat(100_000);
  const event = (): MatchedEvent => MatchedEvent.of(JSON.stringify({ a: value }));
  const ofRules = (rule: unknown): EventPattern =>
    EventPattern.of(JSON.stringify({ a: Array.from({ length: 1000 }, () => rule) }));

  test.for([
    { "equals-ignore-case": "key" },
    { prefix: { "equals-ignore-case": "key" } },
    { suffix: { "equals-ignore-case": "key" } },
    { "anything-but": { "equals-ignore-case": ["key"] } },
  ])("%j", (rule) => {
    const pattern = ofRules(rule);
    const lowered = vi.spyOn(String.prototype, "toLowerCase");
    try {
      pattern.matches(event());
      const read = lowered.mock.contexts.reduce((sum: number, text) => sum + String(text).length, 0);
      expect(read).toBeLessThan(1_000_000);
    } finally {
      lowered.mockRestore();
    }
  });

  test("many wildcards for a long value are too much for one event", () => {
    expect(() => ofRules({ wildcard: "*b*A" }).matches(event())).toThrow("The event is too large for the patterns");
    expect(EventPattern.of('{"a":[{"wildcard":"*b*A"},{"wildcard":"*A*"}]}').matches(event())).toBe(true);
  });

  test("cases are ignored where letters have several small ones, or longer ones", () => {
    expect(matches({ a: [{ "equals-ignore-case": "İstanbul" }] }, { a: "İSTANBUL" })).toBe(true);
    expect(matches({ a: [{ suffix: { "equals-ignore-case": "ΟΣ" } }] }, { a: "ΛΟΓΟΣ" })).toBe(true);
    expect(matches({ a: [{ prefix: { "equals-ignore-case": "ΛΟΓΟΣ" } }] }, { a: "ΛΟΓΟΣ 1" })).toBe(true);
  });
});
