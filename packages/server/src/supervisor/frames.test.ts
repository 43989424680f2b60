import fc from "fast-check";
import { describe, it } from "vitest";
import { encodeFrame, FRAME, FrameReader, PAYLOAD_SIZE_BYTES_MAX, SupervisorProtocolError } from "./frames.ts";

fc.configureGlobal({ seed: 1 });

const types = Object.values(FRAME).filter((type) => type >= 0x80);

describe("FrameReader", () => {
  it("gives back what was encoded, however the bytes are cut", ({ expect }) => {
    const frames = fc.array(
      fc.record({
        type: fc.constantFrom(...types),
        callId: fc.nat(2 ** 32 - 1),
        payload: fc.uint8Array({ maxLength: 300 }),
      }),
      {
        maxLength: 8,
      },
    );
    fc.assert(
      fc.property(frames, fc.array(fc.integer({ min: 1, max: 97 }), { minLength: 1, maxLength: 20 }), (sent, cuts) => {
        const bytes = Buffer.concat(
          sent.map(({ type, callId, payload }) => encodeFrame(type, callId, Buffer.from(payload))),
        );
        const reader = new FrameReader();
        const received = [];
        for (let at = 0, n = 0; at < bytes.length; n++) {
          const size = cuts[n % cuts.length] ?? 1;
          for (const frame of reader.push(bytes.subarray(at, at + size)))
            received.push({ ...frame, payload: Uint8Array.from(frame.payload) });
          at += size;
        }
        expect(received).toEqual(sent.map((frame) => ({ ...frame, payload: Uint8Array.from(frame.payload) })));
      }),
    );
  });

  it.for(Array.from({ length: 256 }, (_, type) => type).filter((type) => !types.includes(type as never)))(
    "refuses type %i",
    (type, { expect }) => {
      expect(() => [...new FrameReader().push(encodeFrame(type, 0, Buffer.alloc(0)))]).toThrow(SupervisorProtocolError);
    },
  );

  it("gives payloads that stay when what they were read from is used again", ({ expect }) => {
    const bytes = encodeFrame(FRAME.log, 7, Buffer.from("kept"));
    const [frame] = [...new FrameReader().push(bytes)];
    bytes.fill(0);
    expect(frame?.payload.toString()).toBe("kept");
  });

  it("refuses a size over the limit before it has the bytes", ({ expect }) => {
    const header = encodeFrame(FRAME.log, 0, Buffer.alloc(0));
    header.writeUInt32LE(PAYLOAD_SIZE_BYTES_MAX + 1, 0);
    expect(() => [...new FrameReader().push(header)]).toThrow(SupervisorProtocolError);
  });
});
