/** The link against a supervisor that the test plays, on a real socket. */
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "vitest";
import { BodyCutError, type BodyEnd, type KeptBody } from "../base/body.ts";
import { systemClock } from "../base/clock.ts";
import type { ProcessExit, RuntimeCall, SupervisorLink } from "../ports/supervisor.ts";
import { connectSupervisor } from "./connect-supervisor.ts";
import { encodeFrame, encodeJson, FRAME } from "./frames.ts";

const POST = { method: "POST", path: "/2018-06-01/runtime/invocation/r/response", headers: [["a", "b"]] };

interface Played {
  readonly supervisor: Socket;
  readonly link: SupervisorLink;
  /** What the server wrote, HELLO left out: one entry for each piece that came. */
  readonly written: Buffer[];
  readonly calls: RuntimeCall[];
  readonly abandoned: RuntimeCall[];
  readonly exits: ProcessExit[];
  readonly nextCall: () => Promise<RuntimeCall>;
}

async function play(run: (played: Played) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "thaw-link-"));
  const path = join(directory, "ctl.sock");
  const server = createServer().listen(path);
  await once(server, "listening");
  const connected = once(server, "connection") as Promise<[Socket]>;
  const opening = connectSupervisor(path, systemClock);
  const [supervisor] = await connected;
  await once(supervisor, "data");
  const written: Buffer[] = [];
  supervisor.on("data", (bytes) => written.push(bytes));
  supervisor.on("error", () => undefined);
  supervisor.write(encodeJson(FRAME.helloAnswer, 0, { protocol: 2, calls: [], processes: [] }));
  const link = await opening;
  const calls: RuntimeCall[] = [];
  const abandoned: RuntimeCall[] = [];
  const exits: ProcessExit[] = [];
  let tell: (call: RuntimeCall) => void = () => undefined;
  const nextCall = (): Promise<RuntimeCall> => new Promise((resolve) => (tell = resolve));
  link.listen({
    onCall: (call) => {
      calls.push(call);
      tell(call);
    },
    onAbandoned: (call) => void abandoned.push(call),
    onLog: () => undefined,
    onExit: (exit) => void exits.push(exit),
    onLost: () => undefined,
  });
  try {
    await run({ supervisor, link, written, calls, abandoned, exits, nextCall });
  } finally {
    link.close();
    supervisor.destroy();
    server.close();
    rmSync(directory, { recursive: true });
  }
}

it("tells a call at its head, and its body while it comes", async ({ expect }) => {
  await play(async ({ supervisor, nextCall }) => {
    const coming = nextCall();
    supervisor.write(encodeJson(FRAME.requestHead, 7, POST));
    const call = await coming;
    expect([call.method, call.headers.get("a")]).toEqual(["POST", "b"]);
    const ends: string[] = [];
    const reader = call.body.stream(1000, (end) => ends.push(end.kind))[Symbol.asyncIterator]();
    supervisor.write(encodeFrame(FRAME.requestBody, 7, Buffer.from("one")));
    expect((await reader.next()).value?.toString()).toBe("one");
    expect(ends).toEqual([]);
    supervisor.write(encodeFrame(FRAME.requestEnd, 7, Buffer.alloc(0)));
    expect((await reader.next()).done).toBe(true);
    expect(ends).toEqual(["whole"]);
  });
});

it("tells a whole body before an exit that came with it, and answers with one write", async ({ expect }) => {
  await play(async ({ supervisor, nextCall, exits, written }) => {
    const order: string[] = [];
    const coming = nextCall().then((call) => call);
    supervisor.write(
      Buffer.concat([
        encodeJson(FRAME.requestHead, 8, POST),
        encodeFrame(FRAME.requestBody, 8, Buffer.from("answer")),
        encodeFrame(FRAME.requestEnd, 8, Buffer.alloc(0)),
        encodeJson(FRAME.exit, 0, { name: "runtime", pid: 1, code: 0, signal: null }),
      ]),
    );
    const call = await coming;
    call.body.keep(1000, (kept) => order.push(kept.kind === "whole" ? kept.bytes.toString() : kept.kind));
    expect(order).toEqual(["answer"]);
    expect(exits).toHaveLength(1);
    call.respond(202, {}, "ok");
    await once(supervisor, "data");
    expect(written).toHaveLength(1);
  });
});

/** Reads frames that the server wrote. */
function framesOf(written: readonly Buffer[]): Array<{ readonly type: number; readonly callId: number }> {
  const bytes = Buffer.concat(written);
  const frames = [];
  for (let at = 0; at < bytes.length; at += 12 + bytes.readUInt32LE(at))
    frames.push({ type: bytes.readUInt8(at + 4), callId: bytes.readUInt32LE(at + 8) });
  return frames;
}

it("asks for more of a body only when its reader has caught up, while other calls go on", async ({ expect }) => {
  await play(async ({ supervisor, nextCall, written }) => {
    const coming = nextCall();
    supervisor.write(encodeJson(FRAME.requestHead, 9, POST));
    const body = (await coming).body.stream(Number.POSITIVE_INFINITY, () => undefined);
    const piece = Buffer.alloc(64 * 1024);
    const window = Array.from({ length: 6 }, () => encodeFrame(FRAME.requestBody, 9, piece));
    const other = nextCall();
    supervisor.write(Buffer.concat([...window, encodeJson(FRAME.requestHead, 10, POST)]));
    (await other).respond(202, {}, "");
    while (framesOf(written).length < 4) await once(supervisor, "data");
    // Four of the six pieces may lie unread; nothing was asked for after the fifth.
    expect(framesOf(written).map(({ type }) => type)).toEqual([
      FRAME.requestMore,
      FRAME.requestMore,
      FRAME.responseHead,
      FRAME.responseEnd,
    ]);
    let readBytes = 0;
    const reader = body[Symbol.asyncIterator]();
    while (readBytes < 6 * piece.length) readBytes += (await reader.next()).value?.length ?? 0;
    while (framesOf(written).length < 5) await once(supervisor, "data");
    expect(framesOf(written).at(-1)).toEqual({ type: FRAME.requestMore, callId: 9 });
  });
});

it("says once that it wants no more than the length of a body", async ({ expect }) => {
  await play(async ({ supervisor, nextCall, written }) => {
    const coming = nextCall();
    supervisor.write(encodeJson(FRAME.requestHead, 16, POST));
    const call = await coming;
    const over = new Promise<KeptBody>((resolve) => call.body.keep(100, resolve));
    for (let n = 0; n < 3; n++) supervisor.write(encodeFrame(FRAME.requestBody, 16, Buffer.alloc(64)));
    supervisor.write(encodeJson(FRAME.requestEnd, 16, { truncated: true, length: 5000 }));
    expect(await over).toEqual({ kind: "too-large", lengthBytes: 5000 });
    call.respond(413, {}, "");
    while (framesOf(written).length < 3) await once(supervisor, "data");
    expect(framesOf(written).map(({ type }) => type)).toEqual([
      FRAME.requestSkip,
      FRAME.responseHead,
      FRAME.responseEnd,
    ]);
  });
});

it("hangs up on a supervisor that relays more than was asked for", async ({ expect }) => {
  await play(async ({ supervisor, nextCall }) => {
    const coming = nextCall();
    supervisor.write(encodeJson(FRAME.requestHead, 17, POST));
    const call = await coming;
    const ends: BodyEnd[] = [];
    call.body.stream(Number.POSITIVE_INFINITY, (end) => ends.push(end));
    const frames = Array.from({ length: 64 }, () => encodeFrame(FRAME.requestBody, 17, Buffer.alloc(64 * 1024)));
    const closed = new Promise((resolve) => supervisor.once("close", resolve));
    supervisor.write(Buffer.concat(frames));
    await closed;
    expect(ends).toEqual([{ kind: "cut" }]);
  });
});

it("tells the fields that came after a body", async ({ expect }) => {
  await play(async ({ supervisor, nextCall }) => {
    const coming = nextCall();
    supervisor.write(encodeJson(FRAME.requestHead, 18, POST));
    const call = await coming;
    const ended = new Promise((resolve) => call.body.keep(100, resolve));
    expect(call.trailers.size).toBe(0);
    supervisor.write(encodeJson(FRAME.requestEnd, 18, { trailers: [["a", "b"]] }));
    await ended;
    expect([...call.trailers]).toEqual([["a", "b"]]);
  });
});

it("cuts a body whose client hangs up, and all when the connection ends", async ({ expect }) => {
  await play(async ({ supervisor, nextCall, abandoned }) => {
    const kept: KeptBody[] = [];
    for (const id of [10, 11]) {
      const coming = nextCall();
      supervisor.write(encodeJson(FRAME.requestHead, id, POST));
      const call = await coming;
      call.body.keep(1000, (body) => kept.push(body));
    }
    supervisor.write(encodeFrame(FRAME.requestAbort, 10, Buffer.alloc(0)));
    supervisor.write(encodeJson(FRAME.requestHead, 12, POST));
    await nextCall();
    expect(kept).toEqual([{ kind: "cut" }]);
    expect(abandoned.map(({ id }) => id)).toEqual([10]);
    supervisor.destroy();
    while (kept.length < 2) await new Promise(setImmediate);
    expect(kept[1]).toEqual({ kind: "cut" });
  });
});

it("tells the length of a body that was longer than what was relayed", async ({ expect }) => {
  await play(async ({ supervisor, nextCall }) => {
    const coming = nextCall();
    supervisor.write(encodeJson(FRAME.requestHead, 13, POST));
    const call = await coming;
    const over = new Promise<KeptBody>((resolve) => call.body.keep(100, resolve));
    supervisor.write(encodeFrame(FRAME.requestBody, 13, Buffer.alloc(64)));
    supervisor.write(encodeJson(FRAME.requestEnd, 13, { truncated: true, length: 5000 }));
    expect(await over).toEqual({ kind: "too-large", lengthBytes: 5000 });
  });
});

it("cuts a body in pieces that was longer than what was relayed", async ({ expect }) => {
  await play(async ({ supervisor, nextCall }) => {
    const coming = nextCall();
    supervisor.write(encodeJson(FRAME.requestHead, 14, POST));
    const call = await coming;
    const ends: BodyEnd[] = [];
    const body = call.body.stream(10_000, (end) => ends.push(end));
    supervisor.write(encodeFrame(FRAME.requestBody, 14, Buffer.alloc(64)));
    supervisor.write(encodeJson(FRAME.requestEnd, 14, { truncated: true, length: 5000 }));
    let readBytes = 0;
    const reading = (async () => {
      for await (const piece of body) readBytes += piece.length;
    })();
    await expect(reading).rejects.toThrow(BodyCutError);
    expect(readBytes).toBe(64);
    expect(ends).toEqual([{ kind: "cut" }]);
  });
});

it("hangs up on an end of a body that tells no length", async ({ expect }) => {
  await play(async ({ supervisor, nextCall }) => {
    const coming = nextCall();
    supervisor.write(encodeJson(FRAME.requestHead, 15, POST));
    const call = await coming;
    const ended = new Promise<KeptBody>((resolve) => call.body.keep(100, resolve));
    supervisor.write(encodeJson(FRAME.requestEnd, 15, { truncated: true }));
    expect(await ended).toEqual({ kind: "cut" });
    await once(supervisor, "close");
  });
});

it("starts no program whose arguments are longer than the supervisor reads", async ({ expect }) => {
  await play(async ({ supervisor, link, written }) => {
    const request = { name: "runtime", env: {}, cwd: "/" };
    await expect(link.spawn({ ...request, argv: ["/x", "\u0001".repeat(200_000)] })).rejects.toMatchObject({
      code: "E2BIG",
    });
    const spawning = link.spawn({ ...request, argv: ["/x"] });
    supervisor.write(encodeJson(FRAME.spawned, 0, { name: "runtime", error: "ENOENT", isDirectoryWrong: true }));
    await expect(spawning).rejects.toMatchObject({ code: "ENOENT", isDirectoryWrong: true });
    expect(Buffer.concat(written).length).toBeLessThan(1000);
  });
});
