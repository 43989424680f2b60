import { createInterface } from "node:readline";
import { PassThrough, Readable } from "node:stream";
import { expect, it } from "vitest";
import { jsonLine, onLines } from "./lines.ts";

it("lines end with a newline and with nothing else, wherever the pieces end", async () => {
  const stream = new PassThrough();
  const lines: string[] = [];
  onLines(stream, (line) => void lines.push(line));
  const text = Buffer.from('{"a":"x\u2028y\u2029z\u0085\r"}\n\né\nrest');
  for (const byte of text) stream.write(Buffer.of(byte));
  stream.write(text);
  stream.end("\n");
  await new Promise((done) => stream.once("end", done));
  const first = '{"a":"x\u2028y\u2029z\u0085\r"}';
  expect(lines).toEqual([first, "", "é", `rest${first}`, "", "é", "rest"]);
});

it("a document is one line for readers that end lines at other characters, too", async () => {
  const document = { message: "a\u2028b\u2029c\u0085d\ne" };
  const lines: string[] = [];
  for await (const line of createInterface({ input: Readable.from([jsonLine(document)]) })) lines.push(line);
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([document]);
});
