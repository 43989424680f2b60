/** Connections into the sandbox, against a supervisor that the test plays: frames out, news in. */
import { describe, it } from "vitest";
import { FRAME, HEADER_SIZE_BYTES } from "./frames.ts";
import { OutwardStream, postOver, toConnection } from "./outward.ts";

interface Sent {
  readonly type: number;
  readonly payload: Buffer;
}

function open(): { readonly stream: OutwardStream; readonly sent: Sent[]; readonly forgotten: number[] } {
  const sent: Sent[] = [];
  const forgotten: number[] = [];
  const stream = new OutwardStream(7, 4243, {
    send: (frames) => {
      for (const frame of frames)
        sent.push({ type: frame.readUInt8(4), payload: Buffer.from(frame.subarray(HEADER_SIZE_BYTES)) });
    },
    forget: (id) => void forgotten.push(id),
  });
  return { stream, sent, forgotten };
}

const turn = (): Promise<void> => new Promise(setImmediate);

describe("OutwardStream", () => {
  it("sends the next piece only when the one before is in the listener's socket", async ({ expect }) => {
    const { stream, sent } = open();
    let isWritten = false;
    const writing = toConnection(stream)
      .write(Buffer.alloc(100_000, 1))
      .then(() => {
        isWritten = true;
      });
    expect(sent.map(({ type }) => type)).toEqual([FRAME.connect]);
    stream.onWritten();
    expect(sent.slice(1).map(({ payload }) => payload.length)).toEqual([64 * 1024]);
    await turn();
    expect(sent).toHaveLength(2);
    stream.onWritten();
    expect(sent.slice(2).map(({ payload }) => payload.length)).toEqual([100_000 - 64 * 1024]);
    expect(isWritten).toBe(false);
    stream.onWritten();
    await writing;
    stream.destroy();
  });

  it("tells the writer that the connection has ended", async ({ expect }) => {
    const { stream, forgotten } = open();
    const writing = toConnection(stream).write(Buffer.from("x"));
    stream.onHungUp("ECONNREFUSED");
    await expect(writing).rejects.toThrow("ECONNREFUSED");
    expect(forgotten).toEqual([7]);
  });

  it("hangs up on a listener that says too much", async ({ expect }) => {
    const { stream, sent } = open();
    stream.on("error", () => undefined);
    for (let n = 0; n < 64; n++) stream.onReceived(Buffer.alloc(4096));
    await turn();
    expect(sent.at(-1)?.type).toBe(FRAME.hangUp);
  });
});

describe("postOver", () => {
  const REQUEST = {
    port: 4243,
    method: "POST",
    path: "/a?b",
    body: Buffer.from("[]"),
    signal: new AbortController().signal,
  };

  async function answer(stream: OutwardStream, sent: readonly Sent[], text: string): Promise<string> {
    stream.onWritten();
    for (let known = 1; ; known++) {
      await turn();
      if (sent.length === known) break;
      stream.onWritten();
    }
    stream.onReceived(Buffer.from(text));
    return Buffer.concat(sent.filter(({ type }) => type === FRAME.send).map(({ payload }) => payload)).toString();
  }

  it("sends a request and gives the status of its answer", async ({ expect }) => {
    const { stream, sent } = open();
    const status = postOver(stream, REQUEST);
    const text = await answer(stream, sent, "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n");
    expect(await status).toBe(503);
    expect(text).toMatch(/^POST \/a\?b HTTP\/1\.1\r\nHost: sandbox\.localdomain:4243\r\n/);
    expect(text).toMatch(/\r\nContent-Type: application\/json\r\n.*\r\n\r\n\[\]$/s);
    expect(sent.at(-1)?.type).toBe(FRAME.hangUp);
  });

  it("rejects what is no HTTP, and a listener that is not there", async ({ expect }) => {
    const { stream, sent } = open();
    const status = postOver(stream, REQUEST);
    status.catch(() => undefined);
    await answer(stream, sent, "hello\r\n\r\n");
    await expect(status).rejects.toThrow();
    const other = open();
    const refused = postOver(other.stream, REQUEST);
    other.stream.onHungUp("ECONNREFUSED");
    await expect(refused).rejects.toThrow("ECONNREFUSED");
  });
});
