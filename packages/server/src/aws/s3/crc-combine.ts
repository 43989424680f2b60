/**
 * The CRC of two contents in a row out of the CRC of each: the first is moved by the length of the second, which is a
 * multiplication modulo the polynomial (the method of zlib's crc32_combine).
 */
import type { ChecksumAlgorithm } from "../../base/digests.ts";

interface Crc {
  readonly bits: number;
  /** Its polynomial, the lowest power in the highest bit. */
  readonly polynomial: bigint;
}

const CRCS: Readonly<Partial<Record<ChecksumAlgorithm, Crc>>> = {
  CRC32: { bits: 32, polynomial: 0xedb88320n },
  CRC32C: { bits: 32, polynomial: 0x82f63b78n },
  CRC64NVME: { bits: 64, polynomial: 0x9a6c9329ac4bc9b5n },
};

export interface SizedCrc {
  /** In base64. */
  readonly value: string;
  readonly sizeBytes: number;
}

/** Gives the CRC of all parts in a row, in base64: part by part, since each may be of a size of its own. */
export function* combineCrcs(algorithm: ChecksumAlgorithm, parts: readonly SizedCrc[]): Generator<void, string> {
  const crc = CRCS[algorithm];
  if (crc === undefined) throw new Error(`${algorithm} is no CRC`);
  const powers = new Powers(crc);
  const moves = new Map<number, bigint>();
  let whole = 0n;
  for (const { value, sizeBytes } of parts) {
    yield;
    const move = moves.get(sizeBytes) ?? powers.of(BigInt(sizeBytes) * 8n);
    moves.set(sizeBytes, move);
    whole = multiply(crc, move, whole) ^ BigInt(`0x${Buffer.from(value, "base64").toString("hex")}`);
  }
  return Buffer.from(whole.toString(16).padStart(crc.bits / 4, "0"), "hex").toString("base64");
}

/** Powers of x modulo the polynomial. */
class Powers {
  readonly #crc: Crc;
  /** Those of two, in turn: the first is x itself. */
  readonly #squares: bigint[];

  constructor(crc: Crc) {
    this.#crc = crc;
    this.#squares = [1n << BigInt(crc.bits - 2)];
  }

  of(exponent: bigint): bigint {
    let result = 1n << BigInt(this.#crc.bits - 1);
    for (let at = 0, left = exponent; left > 0n; at++, left >>= 1n)
      if ((left & 1n) === 1n) result = multiply(this.#crc, this.#square(at), result);
    return result;
  }

  #square(at: number): bigint {
    for (let last = this.#squares.at(-1); this.#squares.length <= at && last !== undefined; last = this.#squares.at(-1))
      this.#squares.push(multiply(this.#crc, last, last));
    return this.#squares[at] ?? 0n;
  }
}

function multiply({ bits, polynomial }: Crc, a: bigint, b: bigint): bigint {
  let product = 0n;
  let shifted = b;
  for (let bit = 1n << BigInt(bits - 1); bit > 0n; bit >>= 1n) {
    if ((a & bit) !== 0n) product ^= shifted;
    shifted = (shifted & 1n) === 1n ? (shifted >> 1n) ^ polynomial : shifted >> 1n;
  }
  return product;
}
