/** The encoding aws-chunked, with AWS's own example of signed chunks. */
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { ChunkSigner } from "../signature/chunk-signer.ts";
import { type ChunkedEnd, decodeChunked } from "./aws-chunked.ts";

/** https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html, example of chunked upload. */
const SCOPE = {
  accessKeyId: "AKIAIOSFODNN7EXAMPLE",
  date: "20130524",
  region: "us-east-1",
  service: "s3",
  terminator: "aws4_request",
};
const SEED = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9";
const SIGNATURES = [
  "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
  "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
  "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
];
const newSigner = (): ChunkSigner =>
  new ChunkSigner(SCOPE, "20130524T000000Z", SEED, "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");

const SIGNED = Buffer.from(
  [65_536, 1024, 0]
    .map((size, at) => `${size.toString(16)};chunk-signature=${SIGNATURES[at]}\r\n${"a".repeat(size)}\r\n`)
    .join(""),
);

/** The body in pieces of a size. */
async function* pieces(body: Buffer, size = body.length): AsyncGenerator<Buffer> {
  for (let at = 0; at < body.length; at += size) yield body.subarray(at, at + size);
}

async function decode(body: Buffer, signer: ChunkSigner | null = null, size?: number) {
  let end: ChunkedEnd | null = null;
  const content: Buffer[] = [];
  for await (const piece of decodeChunked(pieces(body, size), signer, (reached) => void (end = reached)))
    content.push(piece);
  return { content: Buffer.concat(content), end: end as ChunkedEnd | null };
}

describe("signed chunks", () => {
  it.for([7, 1000, 100_000])("AWS's example, in pieces of %i bytes", async (size) => {
    const { content, end } = await decode(SIGNED, newSigner(), size);
    expect([content.length, end]).toEqual([66_560, { trailers: {}, sizeBytes: 66_560 }]);
  });

  it("a byte that was changed, a chunk that was left out, or a signature of another chunk is refused", async () => {
    const changed = Buffer.from(SIGNED);
    changed[200] = 98;
    await expect(decode(changed, newSigner())).rejects.toThrow("signature is wrong");
    const second = SIGNED.indexOf("400;");
    await expect(decode(SIGNED.subarray(second), newSigner())).rejects.toThrow("signature is wrong");
    const unsigned = Buffer.from(SIGNED.toString().replaceAll(/;chunk-signature=[0-9a-f]+/g, ""));
    await expect(decode(unsigned, newSigner())).rejects.toThrow("signature is wrong");
  });

  it("trailers are signed, too", async () => {
    const signer = newSigner();
    const empty = createHash("sha256").update("").digest("hex");
    const last = signer.ofChunk(empty);
    const trailer = signer.ofTrailers(createHash("sha256").update("x-amz-checksum-crc32:AAAAAA==\n").digest("hex"));
    const body = (value: string): Buffer =>
      Buffer.from(
        `0;chunk-signature=${last}\r\nx-amz-checksum-crc32:${value}\r\nx-amz-trailer-signature:${trailer}\r\n\r\n`,
      );
    const { end } = await decode(body("AAAAAA=="), newSigner());
    expect(end?.trailers).toEqual({ "x-amz-checksum-crc32": "AAAAAA==" });
    await expect(decode(body("BBBBBB=="), newSigner())).rejects.toThrow("signature is wrong");
  });
});

describe("unsigned chunks", () => {
  it("with and without a trailer", async () => {
    const body = Buffer.from("3\r\nabc\r\n2\r\nde\r\n0\r\nX-Amz-Checksum-Crc32:AAAAAA==\r\n\r\n");
    for (const size of [1, 4, 100]) {
      const { content, end } = await decode(body, null, size);
      expect([content.toString(), end]).toEqual([
        "abcde",
        { trailers: { "x-amz-checksum-crc32": "AAAAAA==" }, sizeBytes: 5 },
      ]);
    }
    expect((await decode(Buffer.from("0\r\n\r\n"))).content).toHaveLength(0);
  });

  it.for([
    ["", "ends before its last chunk"],
    ["3\r\nabc\r\n", "ends before its last chunk"],
    ["3\r\nab", "ends within a chunk"],
    ["3\r\nabcd\r\n0\r\n\r\n", "longer than its size"],
    ["x\r\n", "size is missing"],
    [`${"1".repeat(13)}\r\n`, "size is missing"],
    ["0\r\n\r\nmore", "more after the last chunk"],
    ["0\r\nno colon\r\n\r\n", "trailer is wrong"],
    ["a".repeat(2000), "line is too long"],
    ["0\r\nhalf", "ends within a line"],
  ] as const)("%j is refused", async ([body, why]) => {
    await expect(decode(Buffer.from(body))).rejects.toThrow(why);
  });
});
