import { expect, it } from "vitest";
import { readPrelude } from "./prelude.ts";

const NULS = "\0".repeat(8);

/** Gives pieces, and notes when its reader goes away before the end. */
async function* pieces(all: readonly string[], left: string[] = []): AsyncGenerator<Buffer, void, undefined> {
  let isWhole = false;
  try {
    for (const piece of all) yield Buffer.from(piece);
    isWhole = true;
  } finally {
    if (!isWhole) left.push("left");
  }
}

async function read(all: readonly string[]): Promise<unknown> {
  const found = await readPrelude(pieces(all));
  if (found === null) return null;
  const body: Buffer[] = [];
  for await (const piece of found.body) body.push(piece);
  return { ...found.head, body: Buffer.concat(body).toString() };
}

const TYPE = { "content-type": "application/octet-stream" };

it.for([
  [[`{"statusCode":201}${NULS}body`], { status: 201, headers: TYPE, body: "body" }],
  [[`{"statusCode":201}`, NULS, "bo", "dy"], { status: 201, headers: TYPE, body: "body" }],
  [Array.from(`{}${NULS}b`), { status: 200, headers: TYPE, body: "b" }],
  [[`{}\0\0\0`, `\0\0\0\0\0${NULS}`], { status: 200, headers: TYPE, body: NULS }],
  [
    [`{"headers":{"Content-Type":"text/html"},"cookies":["a=1"]}${NULS}`],
    { status: 200, headers: { "content-type": "text/html", "set-cookie": ["a=1"] }, body: "" },
  ],
  [["no prelude"], null],
  [[`{}\0\0\0\0body`], null],
  [[`[]${NULS}`], null],
  [[`{"statusCode":"x"}${NULS}`], null],
  [[`{"a":"${"x".repeat(17_000)}"}${NULS}`], null],
  [[], null],
] as const)("reads the prelude of %j", async ([all, expected]) => {
  expect(await read(all)).toEqual(expected);
});

it("gives the stream up where there is no prelude, or the reader of the body goes away", async () => {
  const left: string[] = [];
  expect(await readPrelude(pieces(["x".repeat(17_000), "more"], left))).toBeNull();
  const found = await readPrelude(pieces([`{}${NULS}a`, "b"], left));
  for await (const _ of found?.body ?? []) break;
  expect(left).toEqual(["left", "left"]);
});
