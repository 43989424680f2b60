import fc from "fast-check";
import { describe, it } from "vitest";
import {
  BODY_UNREAD_BYTES_MAX,
  BodyCutError,
  type BodyEnd,
  BodyPipe,
  BodyTooLargeError,
  type KeptBody,
  wholeBody,
} from "./body.ts";

fc.configureGlobal({ seed: 1 });

class Source {
  isPaused = false;
  pauses = 0;
  skips = 0;

  pause(): void {
    this.isPaused = true;
    this.pauses++;
  }

  resume(): void {
    this.isPaused = false;
  }

  skip(): void {
    this.skips++;
  }
}

function keep(pipe: BodyPipe, sizeBytesMax: number): KeptBody[] {
  const kept: KeptBody[] = [];
  pipe.keep(sizeBytesMax, (body) => kept.push(body));
  return kept;
}

describe("a body that is kept", () => {
  it("is told whole, in the turn of its end, however it is cut into pieces and whenever it is asked for", ({
    expect,
  }) => {
    const pieces = fc.array(
      fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(pieces, fc.nat(9), (sent, askAt) => {
        const pipe = new BodyPipe();
        let kept: KeptBody[] = [];
        for (const [at, piece] of sent.entries()) {
          if (at === askAt) kept = keep(pipe, 1000);
          pipe.push(piece);
        }
        if (askAt < sent.length) pipe.end();
        else {
          pipe.end();
          kept = keep(pipe, 1000);
        }
        expect(kept).toEqual([{ kind: "whole", bytes: Buffer.concat(sent) }]);
      }),
    );
  });

  it.for([
    ["asked before", true],
    ["asked afterwards", false],
  ] as const)("is read to its end when it is too large, and its length told: %s", ([, isBefore], { expect }) => {
    const pipe = new BodyPipe();
    let kept = isBefore ? keep(pipe, 10) : [];
    for (let n = 0; n < 5; n++) pipe.push(Buffer.alloc(4));
    expect(kept).toEqual([]);
    pipe.end(30);
    if (!isBefore) kept = keep(pipe, 10);
    expect(kept).toEqual([{ kind: "too-large", lengthBytes: 30 }]);
  });

  it("says that it wants only the length once it is too large", ({ expect }) => {
    const source = new Source();
    const pipe = new BodyPipe(source);
    keep(pipe, 10);
    pipe.push(Buffer.alloc(10));
    expect(source.skips).toBe(0);
    pipe.push(Buffer.alloc(1));
    expect(source.skips).toBe(1);
  });

  it("is cut when its writer handed on less than there was, though all of it were within the limit", ({ expect }) => {
    const pipe = new BodyPipe();
    const kept = keep(pipe, 30);
    pipe.push(Buffer.alloc(20));
    pipe.end(30);
    expect(kept).toEqual([{ kind: "cut" }]);
  });

  it("is cut when its writer goes, and holds no source up", ({ expect }) => {
    const source = new Source();
    const pipe = new BodyPipe(source);
    const kept = keep(pipe, 10 * BODY_UNREAD_BYTES_MAX);
    pipe.push(Buffer.alloc(2 * BODY_UNREAD_BYTES_MAX));
    expect(source.pauses).toBe(0);
    pipe.fail();
    pipe.end();
    expect(kept).toEqual([{ kind: "cut" }]);
  });
});

describe("a body that is streamed", () => {
  it("gives each piece as it comes, and holds its source up while the reader is behind", async ({ expect }) => {
    const source = new Source();
    const pipe = new BodyPipe(source);
    const ends: BodyEnd[] = [];
    const reader = pipe.stream(10 * BODY_UNREAD_BYTES_MAX, (end) => ends.push(end))[Symbol.asyncIterator]();
    const first = reader.next();
    pipe.push(Buffer.from("one"));
    expect(await first).toEqual({ done: false, value: Buffer.from("one") });
    pipe.push(Buffer.alloc(BODY_UNREAD_BYTES_MAX));
    expect(source.isPaused).toBe(false);
    pipe.push(Buffer.alloc(1));
    expect(source.isPaused).toBe(true);
    await reader.next();
    expect(source.isPaused).toBe(false);
    pipe.end();
    expect(ends).toEqual([{ kind: "whole" }]);
    expect((await reader.next()).value).toHaveLength(1);
    expect((await reader.next()).done).toBe(true);
    expect(source.pauses).toBe(1);
  });

  it("throws after the last piece what it ended with", async ({ expect }) => {
    for (const [finish, error] of [
      [(pipe: BodyPipe) => pipe.fail(), BodyCutError],
      [(pipe: BodyPipe) => pipe.push(Buffer.alloc(10)), BodyTooLargeError],
    ] as const) {
      const pipe = new BodyPipe();
      pipe.stream(12, () => undefined);
      pipe.push(Buffer.from("abc"));
      finish(pipe);
      const read: string[] = [];
      const reading = (async () => {
        for await (const piece of pipe) read.push(piece.toString());
      })();
      await expect(reading).rejects.toThrow(error);
      expect(read).toEqual(["abc"]);
    }
  });

  it.for([
    ["asked before", true],
    ["asked afterwards", false],
  ] as const)("is cut when its writer handed on less than there was: %s", async ([, isBefore], { expect }) => {
    const pipe = new BodyPipe();
    const ends: BodyEnd[] = [];
    if (isBefore) pipe.stream(1000, (end) => ends.push(end));
    pipe.push(Buffer.from("abc"));
    pipe.end(30);
    if (!isBefore) pipe.stream(1000, (end) => ends.push(end));
    expect(ends).toEqual([{ kind: "cut" }]);
    const read: string[] = [];
    const reading = (async () => {
      for await (const piece of pipe) read.push(piece.toString());
    })();
    await expect(reading).rejects.toThrow(BodyCutError);
    expect(read).toEqual(["abc"]);
  });

  it.for([
    ["asked before", true],
    ["asked afterwards", false],
  ] as const)("is too large when what there was is over the limit: %s", async ([, isBefore], { expect }) => {
    const pipe = new BodyPipe();
    const ends: BodyEnd[] = [];
    if (isBefore) pipe.stream(10, (end) => ends.push(end));
    pipe.push(Buffer.from("abc"));
    pipe.end(30);
    if (!isBefore) pipe.stream(10, (end) => ends.push(end));
    expect(ends).toEqual([{ kind: "too-large", lengthBytes: 30 }]);
    await expect(pipe.collect(10)).rejects.toThrow(BodyTooLargeError);
  });

  it("holds nothing up once its reader has gone, and still tells its end", async ({ expect }) => {
    const source = new Source();
    const pipe = new BodyPipe(source);
    const ends: BodyEnd[] = [];
    const body = pipe.stream(10 * BODY_UNREAD_BYTES_MAX, (end) => ends.push(end));
    pipe.push(Buffer.alloc(2 * BODY_UNREAD_BYTES_MAX));
    expect(source.isPaused).toBe(true);
    body.cancel();
    expect(source.isPaused).toBe(false);
    pipe.push(Buffer.alloc(2 * BODY_UNREAD_BYTES_MAX));
    expect(source.isPaused).toBe(false);
    pipe.end();
    expect(ends).toEqual([{ kind: "whole" }]);
  });
});

it("collects up to a limit", async ({ expect }) => {
  const pipe = new BodyPipe();
  pipe.push(Buffer.from("ab"));
  pipe.push(Buffer.from("cd"));
  pipe.end();
  expect((await pipe.collect(4)).toString()).toBe("abcd");
  const large = new BodyPipe();
  large.push(Buffer.alloc(5));
  await expect(large.collect(4)).rejects.toThrow(BodyTooLargeError);
  const cut = new BodyPipe();
  cut.push(Buffer.alloc(3));
  cut.end(4);
  await expect(cut.collect(4)).rejects.toThrow(BodyCutError);
  expect((await wholeBody(Buffer.from("abcd")).collect(4)).toString()).toBe("abcd");
  await expect(wholeBody(Buffer.from("abcd")).collect(3)).rejects.toThrow(BodyTooLargeError);
});

it("is read once", ({ expect }) => {
  const pipe = new BodyPipe();
  keep(pipe, 1);
  expect(() => keep(pipe, 1)).toThrow("a body is read once");
});
