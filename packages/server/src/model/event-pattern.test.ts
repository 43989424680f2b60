import { expect, test } from "vitest";
import { isEventPattern } from "./event-pattern.ts";

test.for([
  '{"eventName":["INSERT"]}',
  '{"body":{"temperature":[{"numeric":[">",0,"<=",5]}],"key":["a",1,null,true]}}',
  '{"a":[{"prefix":"x"},{"suffix":{"equals-ignore-case":".PNG"}},{"exists":false},{"anything-but":["a",1]}]}',
  '{"$or":[{"a":["b"]},{"c":[{"anything-but":{"prefix":"x"}}]}]}',
  '{"$or":{"x":["b"]}}',
  "{}",
])("%s is a pattern", (text) => {
  expect(isEventPattern(text)).toBe(true);
});

test.for([
  "",
  "simple text",
  '"text"',
  "[]",
  '{"eventName":"INSERT"}',
  '{"eventName":[]}',
  '{"eventName":[["INSERT"]]}',
  '{"a":[{"unknown":1}]}',
  '{"a":[{"prefix":1}]}',
  '{"a":[{"prefix":"a","suffix":"b"}]}',
  '{"a":[{"numeric":[">"]}]}',
  '{"a":[{"numeric":["~",1]}]}',
  '{"a":[{"exists":"yes"}]}',
  '{"a":[{"anything-but":[]}]}',
  '{"a":[{"anything-but":{"numeric":[1]}}]}',
  '{"$or":[{"a":["b"]}]}',
  '{"a":[{}]}',
  `${'{"a":'.repeat(500)}["x"]${"}".repeat(500)}`,
  '{"a":[{"toString":"x"}]}',
])("%s is none", (text) => {
  expect(isEventPattern(text)).toBe(false);
});
