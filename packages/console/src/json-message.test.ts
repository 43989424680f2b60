import { expect, it } from "vitest";
import { readJsonMessage } from "./json-message.ts";

it("shows level and message of a structured line, and all of it when it is opened", () => {
  const read = readJsonMessage('{"level":"WARN","message":"slow","ms":12}');
  expect(read?.headline).toBe("WARN slow");
  expect(read?.whole).toBe('{\n  "level": "WARN",\n  "message": "slow",\n  "ms": 12\n}');
  expect(readJsonMessage('{"msg":"pino","level":30}')?.headline).toBe("pino");
});

it("finds it behind what the runtime writes", () => {
  expect(readJsonMessage('2026-11-30T09:00:00.000Z\tid\tINFO\t{"message":"slow"}')?.headline).toBe(
    "2026-11-30T09:00:00.000Z\tid\tINFO\tslow",
  );
});

it("shows a document without a message as it is written", () => {
  expect(readJsonMessage('{"a":1}')?.headline).toBe('{"a":1}');
});

it("takes no other text for one, and none that is very long", () => {
  for (const text of ["{", "[1]", "plain {}", '{"a":1} and more', `{"a":"${"x".repeat(70_000)}"}`])
    expect(readJsonMessage(text)).toBeNull();
});
