import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isPlaceOfRequest, readSent, type SentConnection, type SentTraffic } from "./sent-requests.ts";

fc.configureGlobal({ seed: 1 });

const PEER = "10.0.0.1:80";
const TLS = Buffer.from([0x16, 3, 1]);

const to = (bytes: Buffer | string, isCut = false, peer = PEER): SentConnection => ({
  peer,
  bytes: Buffer.from(bytes),
  isCut,
});
const traffic = (...connections: readonly SentConnection[]): SentTraffic => ({ connections, isCut: false });
const get = (id: string): string => `GET /?id=${id} HTTP/1.1\r\nhost: x\r\n\r\n`;

function shown(seen: ReadonlyArray<SentTraffic | null>): ReadonlyArray<readonly string[]> {
  return readSent(seen)?.parts.map((parts) => parts.map(({ place, text }) => `${place}: ${text}`)) ?? [];
}

describe("what was sent", () => {
  it("belongs to the invoke in which the request begins, over kept connections and new ones", () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.tuple(fc.nat({ max: 2 }), fc.stringMatching(/^[a-z]{1,5}$/)), { maxLength: 4 }), {
          minLength: 1,
          maxLength: 4,
        }),
        (invokes) => {
          const sent = ["", "", ""];
          const seen = invokes.map((requests) => {
            for (const [connection, id] of requests) sent[connection] += get(id);
            return traffic(...sent.map((bytes) => to(bytes)));
          });
          const wanted = invokes.map((requests) =>
            requests.map(([, id]) => `request to ${PEER}, parameter id: ${id}`).sort(),
          );
          expect(shown(seen).map((parts) => parts.toSorted())).toEqual(wanted);
          expect(readSent(seen)?.requests).toBe(invokes.flat().length);
        },
      ),
    );
  });

  it("is whole though a request was under way when it was looked at, or nobody could look", () => {
    const bytes = get("one") + get("two");
    expect(shown([traffic(to(bytes.slice(0, 9))), traffic(to(bytes))])).toEqual([
      ["request to 10.0.0.1:80, parameter id: one"],
      ["request to 10.0.0.1:80, parameter id: two"],
    ]);
    expect(shown([null, traffic(to(get("one"))), null])).toEqual([
      [],
      ["request to 10.0.0.1:80, parameter id: one"],
      [],
    ]);
    expect(readSent([null, null])).toBeNull();
    expect(readSent([traffic()])).toEqual({ parts: [[]], requests: 0, encrypted: [], unreadable: [], isCut: false });
  });

  it("of another protocol is text, by invoke", () => {
    const bytes = "*1\r\n$4\r\nPING\r\n";
    expect(shown([traffic(to(bytes)), traffic(to(bytes)), traffic(to(`${bytes}+OK é\r\n`))])).toEqual([
      [`request to ${PEER}: ${bytes}`],
      [],
      [`request to ${PEER}: +OK é\r\n`],
    ]);
    expect(isPlaceOfRequest(`request to ${PEER}`)).toBe(true);
    expect(isPlaceOfRequest("response.request")).toBe(false);
  });

  it("is not read where it is encrypted or no text, also behind a request", () => {
    const upgraded = Buffer.concat([Buffer.from(get("a")), Buffer.from([0x81, 0x85, 1, 2, 3, 4])]);
    const tunnel = Buffer.concat([Buffer.from("CONNECT a:443 HTTP/1.1\r\n\r\n"), TLS]);
    const read = readSent([
      traffic(
        to(TLS, true, "10.0.0.1:443"),
        to(Buffer.from([0, 0, 0, 8, 4])),
        to(upgraded),
        to(tunnel),
        to("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0"),
      ),
    ]);
    expect(read).toMatchObject({
      requests: 2,
      encrypted: ["10.0.0.1:443", PEER],
      unreadable: [PEER, PEER, PEER],
      isCut: false,
    });
    const zipped = Buffer.concat([
      Buffer.from("POST / HTTP/1.1\r\ncontent-length: 4\r\n\r\n"),
      Buffer.from([0x1f, 0x8b, 8, 0]),
      Buffer.from(get("b")),
    ]);
    expect(readSent([traffic(to(zipped))])).toMatchObject({ requests: 2, unreadable: [PEER] });
  });

  it("says that something was left out, of what could have been read", () => {
    expect(readSent([traffic(to(get("a"), true))])?.isCut).toBe(true);
    expect(readSent([{ connections: [], isCut: true }])?.isCut).toBe(true);
  });

  it("may be any bytes", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 5 }), (pieces) => {
        const seen = pieces.map((_piece, number) => traffic(to(Buffer.concat(pieces.slice(0, number + 1)))));
        expect(readSent(seen)?.parts ?? []).toHaveLength(seen.length);
      }),
    );
  });
});

it("a request with more headers than a call has arguments is read", () => {
  const bytes = Buffer.from(`GET / HTTP/1.1\r\n${"a:b\r\n".repeat(200_000)}\r\n`);
  const traffic = { connections: [{ peer: "192.0.2.1:80", bytes, isCut: false }], isCut: false };
  expect(readSent([traffic])?.parts[0]).toHaveLength(200_000);
});
