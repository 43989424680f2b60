import fc from "fast-check";
import { expect, it } from "vitest";
import { jsonDoubles } from "./json-doubles.ts";
import { parseSections } from "./template.ts";

it.for([
  ['{"a": 1, "b": {"a": 1}, "c": {"a": 1}}', []],
  ['{"a": 1, "b": 2, "a": {"a": 3}}', ["a"]],
  ['{"a": {"b": [{"c": 1}, {"c": 1, "d": [], "c": 2, "c": 3}]}}', ["a.b[1].c", "a.b[1].c"]],
  // The same name, written in two ways.
  ['{"a": 1, "\\u0061": 2}', ["a"]],
  ['{"a": "{\\"b\\": 1, \\"b\\": 2}", "b": "\\\\", "c": "a"}', []],
  ["[1]", []],
] as const)("%s", ([text, doubles]) => {
  expect(jsonDoubles(text)).toEqual(doubles);
});

it("what JavaScript writes has no key twice", () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      expect(jsonDoubles(text)).toEqual([]);
    }),
    { seed: 18 },
  );
});

it("a template of JSON tells them as one of YAML does", () => {
  const json = '{"Resources": {"A": {"Type": "T::A"}, "A": {"Type": "T::B"}}}';
  const yaml = "Resources:\n  A: { Type: T::A }\n  A: { Type: T::B }\n";
  for (const text of [json, yaml]) {
    const { sections, doubles } = parseSections(text, "t");
    expect([sections, doubles]).toEqual([{ Resources: { A: { Type: "T::B" } } }, ["Resources.A"]]);
  }
});
