import { expect, it } from "vitest";
import { JsonLines, LINE_LENGTH_MAX } from "./json-lines.ts";

const TEXT = '{"a":"ä€😀"}\n\n{"b":[1,2]}\nno json\n{"c":"\\n"}\n';
const DOCUMENTS = [{ a: "ä€😀" }, { b: [1, 2] }, { c: "\n" }];
const bytes = new TextEncoder().encode(TEXT);

it("gives the same lines wherever the pieces end", () => {
  for (let at = 0; at <= bytes.length; at++) {
    const lines = new JsonLines();
    expect([...lines.push(bytes.slice(0, at)), ...lines.push(bytes.slice(at))]).toEqual(DOCUMENTS);
  }
  const lines = new JsonLines();
  expect([...bytes].flatMap((byte) => lines.push(Uint8Array.of(byte)))).toEqual(DOCUMENTS);
});

it("keeps a line back until it ends", () => {
  const lines = new JsonLines();
  expect(lines.push(new TextEncoder().encode('{"a":1}'))).toEqual([]);
  expect(lines.push(new TextEncoder().encode("\n"))).toEqual([{ a: 1 }]);
});

it("reads the largest event of a log, whatever it has", () => {
  const message = "\u0001".repeat(256 * 1024);
  const lines = new JsonLines();
  expect(lines.push(new TextEncoder().encode(`${JSON.stringify({ message })}\n`))).toEqual([{ message }]);
});

it("drops a line without an end, and reads on behind it", () => {
  const lines = new JsonLines();
  const piece = new Uint8Array(LINE_LENGTH_MAX).fill(0x31);
  for (let count = 0; count < 3; count++) expect(lines.push(piece)).toEqual([]);
  expect(lines.push(new TextEncoder().encode('\n{"a":1}\n'))).toEqual([{ a: 1 }]);
});
