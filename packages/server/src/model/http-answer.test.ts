import { expect, it, vi } from "vitest";
import { toHttpAnswer, toHttpAnswerV1 } from "./http-answer.ts";

const PLAIN = "text/plain;charset=UTF-8";

function answer(result: unknown): unknown {
  const made = toHttpAnswerV1(Buffer.from(JSON.stringify(result)), PLAIN);
  return made === null ? null : { ...made, body: made.body.toString() };
}

it("payload format 1.0 has headers with one value and with several", () => {
  const headers = { "X-One": "1", "X-Both": "a", "X-True": true, "X-Null": null };
  const multiValueHeaders = { "Set-Cookie": ["a=1", "b=2"], "X-Both": ["b", "a"], "X-None": [] };
  expect(answer({ statusCode: "201", headers, multiValueHeaders, body: "{}" })).toEqual({
    status: 201,
    headers: {
      "content-type": PLAIN,
      "x-one": "1",
      "x-both": ["a", "b"],
      "x-true": "true",
      "set-cookie": ["a=1", "b=2"],
    },
    body: "{}",
  });
});

it("payload format 1.0 has a content type of its own, and decodes base64", () => {
  const result = { statusCode: 200, headers: { "Content-Type": "image/x" }, body: "aGk=", isBase64Encoded: true };
  expect(answer(result)).toEqual({ status: 200, headers: { "content-type": "image/x" }, body: "hi" });
});

it.for([
  [{ headers: { "Content-Type": "text/a" }, multiValueHeaders: { "content-type": ["text/b"] } }, "text/a"],
  [{ multiValueHeaders: { "content-type": ["text/b", "text/c"] } }, "text/b"],
] as const)("payload format 1.0 has one content type: %j", ([given, type]) => {
  expect(answer({ statusCode: 200, ...given })).toMatchObject({ headers: { "content-type": type } });
});

it.for([
  "text",
  null,
  {},
  { statusCode: "abc" },
  { statusCode: 200, multiValueHeaders: { a: "b" } },
  { statusCode: 200, multiValueHeaders: { a: [{}] } },
  { statusCode: 200, multiValueHeaders: { a: ["b\r\nc: d"] } },
  { statusCode: 200, headers: { "a b": "c" } },
  { statusCode: 200, body: "%", isBase64Encoded: true },
])("%j is no response of payload format 1.0", (result) => {
  expect(answer(result)).toBeNull();
});

it("a response in full without a content type gets that of the front; an inferred one is JSON", () => {
  const of = (result: string): unknown => toHttpAnswer(Buffer.from(result), PLAIN)?.headers;
  expect(of('{"statusCode":200,"body":"a"}')).toEqual({ "content-type": PLAIN });
  expect(of('{"a":1}')).toEqual({ "content-type": "application/json" });
});

it("blanks between the parts of an inferred response are left out, and nothing else", () => {
  const body = (text: string): string | undefined => toHttpAnswer(Buffer.from(text))?.body.toString();
  expect(body('\ufeff { "a b" :\t[ 1.0 , "\\" \\\\" ,\r\n "ü  €" ] } ')).toBe('{"a b":[1.0,"\\" \\\\","ü  €"]}');
});

it("the ways to write a name are merged in one pass", () => {
  const ways = Array.from({ length: 1024 }, (_, way) =>
    Array.from("abcdefghij", (letter, at) => ((way >> at) & 1 ? letter.toUpperCase() : letter)).join(""),
  );
  const multiValueHeaders = Object.fromEntries(ways.map((name, at) => [name, [`v${at}`]]));
  const adds = vi.spyOn(Set.prototype, "add");
  try {
    const made = toHttpAnswerV1(Buffer.from(JSON.stringify({ statusCode: 200, multiValueHeaders })), PLAIN);
    expect(made?.headers["abcdefghij"]).toHaveLength(1024);
    expect(adds.mock.calls.length).toBeLessThan(3000);
  } finally {
    adds.mockRestore();
  }
});

it("a response has no more headers, values and cookies than a client takes", () => {
  const many = (count: number): readonly string[] => Array.from({ length: count }, (_, at) => `n${at}`);
  const headers = (count: number): object => Object.fromEntries(many(count).map((name) => [name, "x"]));
  const v2 = (result: object): boolean =>
    toHttpAnswer(Buffer.from(JSON.stringify({ statusCode: 200, ...result }))) !== null;
  expect(v2({ headers: headers(5000), cookies: many(5000) })).toBe(true);
  expect(v2({ headers: headers(5001) })).toBe(false);
  expect(v2({ cookies: many(5001) })).toBe(false);
  expect(answer({ statusCode: 200, multiValueHeaders: { a: many(5000) } })).not.toBeNull();
  expect(answer({ statusCode: 200, multiValueHeaders: { a: many(2500), b: many(2501) } })).toBeNull();
});

it("a body that is nested too deep to be written is no response", () => {
  const result = `{"statusCode":200,"body":${"[".repeat(100_000)}${"]".repeat(100_000)}}`;
  expect(toHttpAnswer(Buffer.from(result))).toBeNull();
});
