import { expect, it } from "vitest";
import { answerProblem } from "./answer-problems.ts";
import { toHttpAnswer, toHttpAnswerV1 } from "./http-answer.ts";
import { toRestAnswer } from "./rest-api/answer.ts";

const READERS = {
  REST: (result: Buffer) => toRestAnswer(result, [], null),
  "1.0": (result: Buffer) => toHttpAnswerV1(result, "text/plain"),
  "2.0": (result: Buffer) => toHttpAnswer(result),
};
const wrong = (names: string): string => `its ${names} can't be there, or not with that value`;

it.for([
  ["REST", { statusCode: 200, cookies: [] }, wrong("cookies")],
  ["REST", { statusCode: 99, body: {} }, wrong("statusCode, body")],
  [
    "REST",
    { headers: { a: "b", c: "d\r\ne" }, multiValueHeaders: { f: [{}], "g h": ["i"] } },
    wrong("headers.c, multiValueHeaders.f, multiValueHeaders.g h"),
  ],
  ["REST", { headers: ["a"] }, wrong("headers")],
  ["REST", { a: 1, b: 2, c: 3, d: 4, e: 5 }, wrong("a, b, c and 2 more")],
  ["REST", "hi", "it is no object of JSON in UTF-8"],
  ["1.0", { body: "hi" }, "it has no statusCode"],
  ["1.0", { statusCode: 200, multiValueHeaders: { a: "b" } }, wrong("multiValueHeaders.a")],
  ["2.0", { statusCode: 200, cookies: [1], isBase64Encoded: "yes" }, wrong("cookies, isBase64Encoded")],
] as const)("%s: %j", ([format, result, problem]) => {
  const bytes = Buffer.from(JSON.stringify(result));
  const read = READERS[format];
  expect(read(bytes)).toBeNull();
  expect(answerProblem(bytes, (each) => read(each) !== null)).toBe(problem);
});

it("bytes that are no text are no object", () => {
  expect(answerProblem(Buffer.from([0xff]), () => false)).toBe("it is no object of JSON in UTF-8");
});

it("of a result with very many members no more than a thousand are looked at", () => {
  const headers = Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`h${index}`, {}]));
  let looks = 0;
  const problem = answerProblem(Buffer.from(JSON.stringify({ statusCode: 200, headers })), (each) => {
    looks++;
    return READERS.REST(each) !== null;
  });
  expect(problem).toBe(wrong("headers.h0, headers.h1, headers.h2 and 995 more"));
  expect(looks).toBe(1000);
});

it("of the members of a map half a million characters are looked at", () => {
  const headers = Object.fromEntries(Array.from({ length: 900 }, (_, index) => [`h${index}`, ["x".repeat(2000)]]));
  let characters = 0;
  const result = Buffer.from(JSON.stringify({ statusCode: 200, headers }));
  const problem = answerProblem(result, (each) => {
    characters += each.length;
    return READERS.REST(each) !== null;
  });
  expect(problem).toContain("headers.h0, headers.h1, headers.h2 and ");
  expect(characters).toBeLessThan(result.length + 600_000);
});

it("a result with hundreds of thousands of members is not looked through", () => {
  const headers = Object.fromEntries(Array.from({ length: 60_000 }, (_, index) => [`h${index}`, {}]));
  const problem = answerProblem(Buffer.from(JSON.stringify({ statusCode: 200, headers })), () => {
    throw new Error("a look");
  });
  expect(problem).toBe("it has more than 5000 members and items, among which what is wrong is not looked for");
});
