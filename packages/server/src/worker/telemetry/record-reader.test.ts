import fc from "fast-check";
import { describe, it, vi } from "vitest";
import { RECORD_SIZE_BYTES_MAX, RecordReader } from "./record-reader.ts";

fc.configureGlobal({ seed: 1 });

const TEXT_ERROR = 0xa55a0017;

function frame(message: string | Buffer, type = TEXT_ERROR, announced?: number): Buffer {
  const bytes = Buffer.from(message);
  const header = Buffer.alloc((type & 2) === 0 ? 8 : 16);
  header.writeUInt32BE(type, 0);
  header.writeUInt32BE(announced ?? bytes.length, 4);
  return Buffer.concat([header, bytes]);
}

/** What a reader makes of these bytes: text between records, and each record with its level, open ones with `…`. */
function read(...parts: readonly Buffer[]): readonly string[] {
  const reader = new RecordReader();
  const found: string[] = [];
  let isOpen = false;
  const add = (text: string, goesOn: boolean): void => {
    if (goesOn) found.push(`${(found.pop() ?? "").replace(/…$/, "")}${text}`);
    else found.push(text);
  };
  let wasText = false;
  for (const piece of parts.flatMap((part) => [...reader.push(part)])) {
    if (piece.kind === "text") {
      add(wasText ? piece.bytes.toString("latin1") : `text ${piece.bytes.toString("latin1")}`, wasText);
    } else {
      const head = isOpen ? "" : `${piece.level ?? "-"} `;
      add(`${head}${piece.bytes.toString("latin1")}${piece.isEnd ? "" : "…"}`, isOpen);
      isOpen = !piece.isEnd;
    }
    wasText = piece.kind === "text";
  }
  return found;
}

describe("a reader of log records", () => {
  it.for<[string, number, string]>([
    ["Python's default", 0xa55a0003, "- a\nb"],
    ["text, ERROR", TEXT_ERROR, "ERROR a\nb"],
    ["JSON, DEBUG", 0xa55a000a, "DEBUG a\nb"],
    ["JSON, FATAL", 0xa55a001a, "FATAL a\nb"],
    ["text without a time", 0xa55a0001, "- a\nb"],
  ])("%s is one record with its line breaks", ([, type, expected], { expect }) => {
    expect(read(frame("a\nb", type), frame("", type))).toEqual([expected, `${expected.slice(0, -3)}`]);
  });

  it("takes bytes that begin no record as text, up to where one begins", ({ expect }) => {
    expect(read(Buffer.from("of a child\n"), frame("one"), Buffer.from("more"), frame("two"))).toEqual([
      "text of a child\n",
      "ERROR one",
      "text more",
      "ERROR two",
    ]);
  });

  it.for<[string, Buffer]>([
    ["another magic", frame("x", 0xa55b0003)],
    ["unknown bits", frame("x", 0xa55a0023)],
    ["a level that there is not", frame("x", 0xa55a001f)],
    ["a length over the limit", frame("x", TEXT_ERROR, RECORD_SIZE_BYTES_MAX + 1)],
  ])("%s is no header", ([, bytes], { expect }) => {
    expect(read(bytes, frame("good"))).toEqual([`text ${bytes.toString("latin1")}`, "ERROR good"]);
  });

  it("gives what has come of a record whose rest is missing", ({ expect }) => {
    expect(read(frame("begun", TEXT_ERROR, 1000))).toEqual(["ERROR begun…"]);
  });

  it("finds its way back after a child has written into the middle of a record", ({ expect }) => {
    const whole = frame("abcdef");
    const found = read(whole.subarray(0, 19), Buffer.from("CHILD"), whole.subarray(19), frame("next"));
    expect(found).toEqual(["ERROR abcCHI", "text LDdef", "ERROR next"]);
  });

  it("gives the same for any bytes however they are cut, and loses none", ({ expect }) => {
    const part = fc.oneof(
      fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
      fc.uint8Array({ maxLength: 40 }).map((bytes) => frame(Buffer.from(bytes))),
      fc.constantFrom(Buffer.from([0xa5]), Buffer.from([0xa5, 0x5a, 0]), frame("x", TEXT_ERROR, 30)),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), fc.array(fc.nat(60), { maxLength: 20 }), (parts, cuts) => {
        const bytes = Buffer.concat(parts);
        const pieces: Buffer[] = [];
        let from = 0;
        for (const cut of cuts) {
          pieces.push(bytes.subarray(from, from + cut));
          from += cut;
        }
        expect(read(...pieces, bytes.subarray(from))).toEqual(read(bytes));
      }),
    );
  });
});

it("a byte that begins a header is looked at where the next ones do, too", ({ expect }) => {
  const looks = vi.spyOn(Buffer.prototype, "equals");
  try {
    const bytes = Buffer.alloc(10_000, 0xa5);
    const pieces = [...new RecordReader().push(bytes)];
    expect(looks.mock.calls.length).toBeLessThan(10);
    // The last bytes may begin a header.
    expect(pieces.map((piece) => piece.bytes.length)).toEqual([9_999]);
  } finally {
    looks.mockRestore();
  }
});
