import { describe, expect, test } from "vitest";
import { dataFrame, FRAME, FrameError, FrameReader, jsonFrame } from "./frames.ts";

function read(pieces: readonly Buffer[]): { readonly read: readonly unknown[]; readonly isAtRest: boolean } {
  const taken: unknown[] = [];
  const data: Buffer[] = [];
  const reader = new FrameReader(
    { json: (kind, value) => void taken.push([kind, value]), data: (piece) => void data.push(piece) },
    100,
  );
  for (const piece of pieces) reader.push(piece);
  return { read: [...taken, Buffer.concat(data).toString()], isAtRest: reader.isAtRest };
}

describe("frames", () => {
  const sent = Buffer.concat([
    jsonFrame(FRAME.value, { a: "ü" }),
    dataFrame(Buffer.alloc(0)),
    dataFrame(Buffer.from("some bytes")),
    dataFrame(Buffer.alloc(1000, "x")),
    jsonFrame(FRAME.dataEnd, null),
  ]);

  test("are the same however the bytes come", () => {
    const whole = read([sent]);
    expect(whole).toEqual({
      read: [[FRAME.value, { a: "ü" }], [FRAME.dataEnd, null], `some bytes${"x".repeat(1000)}`],
      isAtRest: true,
    });
    for (let size = 1; size < 20; size++) {
      const pieces = Array.from({ length: Math.ceil(sent.length / size) }, (_, at) =>
        sent.subarray(at * size, (at + 1) * size),
      );
      expect(read(pieces)).toEqual(whole);
    }
  });

  test("that are not whole are told apart", () => {
    for (const cut of [1, 4, 5, 6, sent.length - 1]) expect(read([sent.subarray(0, cut)]).isAtRest).toBe(false);
    expect(read([]).isAtRest).toBe(true);
  });

  test("that are none, or too long, are refused before they are kept", () => {
    for (const bytes of [
      Buffer.from("GET / HTTP/1.1"),
      Buffer.from([0, 0, 0, 0, 0]),
      Buffer.from([6, 0, 0, 0, 0]),
      Buffer.from([FRAME.value, 0, 0, 0, 101]),
      Buffer.from([FRAME.value, 0, 0, 0, 1, 123]),
      Buffer.from([FRAME.value, 0, 0, 0, 0]),
    ])
      expect(() => read([bytes])).toThrow(FrameError);
  });
});
