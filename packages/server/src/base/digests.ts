/** The checksums of content that passes by: MD5, which is the ETag, and those that a client asks for. */
import { Crc32c, Crc64Nvme } from "@aws-sdk/checksums/crc";
import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";

/** Checksums that S3's clients may send and ask for, by S3's names. */
export const CHECKSUM_ALGORITHMS = ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"] as const;
export type ChecksumAlgorithm = (typeof CHECKSUM_ALGORITHMS)[number];

interface Digest {
  update(bytes: Uint8Array): void;
  /** In base64. */
  end(): Promise<string>;
}

const CREATE: Readonly<Record<ChecksumAlgorithm, () => Digest>> = {
  CRC32: nativeCrc32,
  CRC32C: () => sdkDigest(new Crc32c()),
  CRC64NVME: () => sdkDigest(new Crc64Nvme()),
  SHA1: () => hashDigest("sha1"),
  SHA256: () => hashDigest("sha256"),
};

export class Digests {
  readonly #md5 = createHash("md5");
  readonly #others: ReadonlyMap<ChecksumAlgorithm, Digest>;

  constructor(algorithms: readonly ChecksumAlgorithm[]) {
    this.#others = new Map(algorithms.map((algorithm) => [algorithm, CREATE[algorithm]()]));
  }

  update(bytes: Uint8Array): void {
    this.#md5.update(bytes);
    for (const digest of this.#others.values()) digest.update(bytes);
  }

  async end(): Promise<{
    readonly md5: string;
    readonly checksums: Readonly<Partial<Record<ChecksumAlgorithm, string>>>;
  }> {
    const checksums: Partial<Record<ChecksumAlgorithm, string>> = {};
    for (const [algorithm, digest] of this.#others) checksums[algorithm] = await digest.end();
    return { md5: this.#md5.digest("hex"), checksums };
  }
}

/** Gives the checksum of bytes, in base64. */
export async function digestOf(algorithm: ChecksumAlgorithm, bytes: Uint8Array): Promise<string> {
  const digest = CREATE[algorithm]();
  digest.update(bytes);
  return digest.end();
}

function nativeCrc32(): Digest {
  let value = 0;
  return {
    update(bytes) {
      value = crc32(bytes, value);
    },
    async end() {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32BE(value);
      return bytes.toString("base64");
    },
  };
}

function sdkDigest(checksum: { update(bytes: Uint8Array): void; digest(): Promise<Uint8Array> }): Digest {
  return {
    update: (bytes) => checksum.update(bytes),
    end: async () => Buffer.from(await checksum.digest()).toString("base64"),
  };
}

function hashDigest(name: "sha1" | "sha256"): Digest {
  const hash = createHash(name);
  return { update: (bytes) => void hash.update(bytes), end: async () => hash.digest("base64") };
}
