/** The link against a supervisor that the test plays, on a real socket. */
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "vitest";
import { BODY_UNREAD_BYTES_MAX, BodyCutError, type BodyEnd, type KeptBody } from "../base/body.ts";
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
  supervisor.write(encodeJson(FRAME.helloAnswer, 0, { protocol: 1, calls: [], processes: [] }));
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

/** Sends frames one by one, each when the kernel has taken the last one. */
class Sender {
  sent = 0;
  readonly done: Promise<void>;

  constructor(socket: Socket, frames: readonly Buffer[]) {
    this.done = this.#send(socket, frames);
  }

  /** Resolves when everything is sent, or when the other side reads no more. */
  async settled(): Promise<number> {
    let last = this.sent;
    for (let turns = 0; turns < 200; turns++) {
      await new Promise(setImmediate);
      if (this.sent === last) continue;
      last = this.sent;
      turns = 0;
    }
    return last;
  }

  async #send(socket: Socket, frames: readonly Buffer[]): Promise<void> {
    for (const frame of frames) {
      await new Promise<void>((resolve) => socket.write(frame, () => resolve()));
      this.sent++;
    }
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

it("reads no more while a reader is behind, and goes on when it has caught up or gone", async ({ expect }) => {
  await play(async ({ supervisor, nextCall }) => {
    const coming = nextCall();
    supervisor.write(encodeJson(FRAME.requestHead, 9, POST));
    const call = await coming;
    const body = call.body.stream(Number.POSITIVE_INFINITY, () => undefined);
    const piece = Buffer.alloc(64 * 1024);
    const frames = Array.from({ length: 256 }, () => encodeFrame(FRAME.requestBody, 9, piece));
    const sender = new Sender(supervisor, [...frames, encodeFrame(FRAME.requestEnd, 9, Buffer.alloc(0))]);
    const heldUpAt = await sender.settled();
    expect(heldUpAt * piece.length).toBeGreaterThan(BODY_UNREAD_BYTES_MAX);
    expect(heldUpAt).toBeLessThan(frames.length / 2);
    let readBytes = 0;
    for await (const bytes of body) readBytes += bytes.length;
    expect(readBytes).toBe(frames.length * piece.length);
    await sender.done;
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
