import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { plainText, readHttpRequest } from "./http-request.ts";

fc.configureGlobal({ seed: 1 });

const lines = (...all: readonly string[]): Buffer => Buffer.from(all.join("\r\n"));

function partsOf(bytes: Buffer): readonly string[] {
  return (readHttpRequest(bytes)?.parts ?? []).map(({ place, text }) => `${place}: ${text}`);
}

describe("a request of HTTP/1", () => {
  it("is read by its parts: path, parameters, headers, cookies, body", () => {
    const bytes = lines(
      "POST /orders/a%20b?id=7&x= HTTP/1.1",
      "X-Instance: one",
      "Cookie: session=abc=; theme=dark",
      "Content-Length: 4",
      "",
      "data",
    );
    const parts = [
      "path: orders",
      "path: a b",
      "parameter id: 7",
      "parameter x: ",
      "header x-instance: one",
      "cookie session: abc=",
      "cookie theme: dark",
    ];
    expect(partsOf(bytes)).toEqual([...parts, "header content-length: 4", "body: data"]);
    expect(readHttpRequest(bytes)).toMatchObject({ sizeBytes: bytes.length, isPlain: true });
  });

  it("has the members of a form, and of a body in chunks the text", () => {
    const form = lines(
      "POST / HTTP/1.1",
      "content-type: application/x-www-form-urlencoded",
      "content-length: 11",
      "",
      "token=a%2Bb",
    );
    expect(partsOf(form)).toContain("body.token: a+b");
    const chunks = lines(
      "POST / HTTP/1.1",
      "Transfer-Encoding: gzip, chunked",
      "",
      "4;name=x",
      "da\r\n",
      "2",
      "ta",
      "0",
      "Trailer: x",
      "",
      "",
    );
    expect(partsOf(chunks)).toEqual(["header transfer-encoding: gzip, chunked", "body: da\r\nta"]);
    expect(readHttpRequest(Buffer.concat([chunks, Buffer.from("GET ")]))?.sizeBytes).toBe(chunks.length);
  });

  it("leaves out what is equal by right", () => {
    const bytes = lines(
      "GET http://host/a?X-Amz-Signature=00&X-Amz-Credential=AKIA&X-Amz-Date=20260501T120000Z HTTP/1.1",
      "Host: 0b5cd3ac76a34f0c.example.com",
      "User-Agent: client",
      "Authorization: AWS4-HMAC-SHA256 Credential=AKIA, Signature=00",
      "x-amz-checksum-crc32: AAAA",
      "",
      "",
    );
    expect(partsOf(bytes)).toEqual(["path: a", "parameter X-Amz-Date: 20260501T120000Z"]);
    expect(partsOf(lines("GET / HTTP/1.1", "Authorization: Bearer abc", "", ""))).toEqual([
      "header authorization: Bearer abc",
    ]);
    expect(partsOf(lines("CONNECT 0b5cd3ac.example.com:443 HTTP/1.1", "", ""))).toEqual([]);
  });

  it("does not show names that are none", () => {
    expect(partsOf(lines("GET /?%1b[31m=1 HTTP/1.1", "Cookie: \u00e9=2", "", ""))).toEqual([
      "parameter: 1",
      "cookie: 2",
    ]);
  });

  it("may end anywhere, and has a body that is no text", () => {
    const whole = lines("POST /a HTTP/1.1", "Content-Length: 7", "", "");
    for (const bytes of [whole, whole.subarray(0, 30), Buffer.concat([whole, Buffer.from("dat")])])
      expect(readHttpRequest(bytes)).toMatchObject({ sizeBytes: bytes.length, isPlain: true });
    expect(readHttpRequest(Buffer.concat([whole, Buffer.from([0x1f, 0x8b, 8, 0])]))).toMatchObject({ isPlain: false });
  });

  it("is none where the bytes begin with something else", () => {
    for (const text of [
      "",
      "\r\n",
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
      "get / HTTP/1.1\r\n\r\n",
      "*1\r\n$4\r\nPING\r\n",
      "HTTP/1.1 200 OK\r\n\r\n",
      "GET / HTTP",
    ])
      expect(readHttpRequest(Buffer.from(text))).toBeNull();
  });

  it("never throws and always goes on", () => {
    const start = fc.constantFrom(
      "",
      "GET / HTTP/1.1\r\n",
      "POST /?a HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
      "PUT / HTTP/1.1\r\ncontent-length: 9\r\n\r\n",
    );
    fc.assert(
      fc.property(start, fc.uint8Array({ maxLength: 200 }), fc.string(), (head, bytes, text) => {
        const all = Buffer.concat([Buffer.from(head), Buffer.from(text), bytes]);
        const size = readHttpRequest(all)?.sizeBytes ?? 1;
        expect(size).toBeGreaterThan(0);
        expect(size).toBeLessThanOrEqual(Math.max(all.length, 1));
      }),
    );
  });
});

it("takes bytes for text where they are, the last character cut or not", () => {
  expect(plainText(Buffer.from("naïve\r\n\ttext"))).toBe("naïve\r\n\ttext");
  expect(plainText(Buffer.from("é").subarray(0, 1))).toBe("");
  for (const bytes of [[0], [0xff, 0xfe], [0x16, 3, 1], [0x61, 0x1b]]) expect(plainText(Buffer.from(bytes))).toBeNull();
});
