import { expect, test } from "vitest";
import { EVENTS } from "../events.ts";
import { JsonReader } from "./json-reader.ts";

const shape = EVENTS.model.shapes["PutEventsRequestEntry"];

test.for([
  [1_764_464_523, "2025-11-30T01:02:03.000Z"],
  [1_764_464_523.5, "2025-11-30T01:02:03.500Z"],
  ["2025-11-30T01:02:03Z", "2025-11-30T01:02:03.000Z"],
] as const)("a time is seconds since the epoch, or a text: %s", ([given, expected]) => {
  if (shape === undefined) throw new Error("no such shape");
  const value = new JsonReader(EVENTS.model).readBody(shape, Buffer.from(JSON.stringify({ Time: given })));
  expect(value["Time"]).toEqual(new Date(expected));
});

test.for([1e300, "yesterday"])("%s is no time", (given) => {
  if (shape === undefined) throw new Error("no such shape");
  const read = () => new JsonReader(EVENTS.model).readBody(shape, Buffer.from(JSON.stringify({ Time: given })));
  expect(read).toThrow("is no time");
});
