/** Networks in CIDR form, and whether an address is of one. */
import { EventPatternError } from "./event-json.ts";

interface Address {
  readonly value: bigint;
  readonly bits: 32 | 128;
}

/** Makes the test of an address. Throws an EventPatternError, in AWS's words, where the text names no network. */
export function readNetwork(text: string): (address: string) => boolean {
  const [base = "", mask = "", ...others] = text.split("/");
  if (mask === "" || others.length > 0) throw new EventPatternError("Malformed CIDR, one '/' required");
  const network = readAddress(base);
  if (network === null) throw new EventPatternError(`Nonstandard IP address: ${base}`);
  const { bits } = network;
  if (!/^\d{1,3}$/.test(mask)) throw new EventPatternError("Malformed CIDR, mask bits must be an integer");
  if (Number(mask) > bits) throw new EventPatternError(`Malformed CIDR, mask bits must be < ${bits + 1}`);
  const hostBits = BigInt(bits - Number(mask));
  return (given) => {
    const address = readAddress(given);
    return address?.bits === bits && address.value >> hostBits === network.value >> hostBits;
  };
}

/** Bits of an address: 32 of version 4, 128 of version 6. Null where the text is no address. */
export function addressBits(text: string): 32 | 128 | null {
  return readAddress(text)?.bits ?? null;
}

/** Null where the text is no address. */
function readAddress(text: string): Address | null {
  if (text.length > 45) return null;
  if (!text.includes(":")) {
    const value = readVersion4(text);
    return value === null ? null : { value, bits: 32 };
  }
  const value = readVersion6(text);
  return value === null ? null : { value, bits: 128 };
}

function readVersion4(text: string): bigint | null {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256)) return null;
  return parts.reduce((sum, part) => (sum << 8n) + BigInt(part), 0n);
}

function readVersion6(text: string): bigint | null {
  const halves = text.split("::");
  if (halves.length > 2) return null;
  const [first, second] = halves.map((half) => groupsOf(half));
  if (first === null || first === undefined || second === null) return null;
  const missing = 8 - first.length - (second?.length ?? 0);
  if (second === undefined ? missing !== 0 : missing < 1) return null;
  const groups = [...first, ...Array.from({ length: missing }, () => 0), ...(second ?? [])];
  return groups.reduce((sum, group) => (sum << 16n) + BigInt(group), 0n);
}

/** The last part may be an address of version 4. Null where a part is none. */
function groupsOf(half: string): readonly number[] | null {
  if (half === "") return [];
  const parts = half.split(":");
  const last = parts.at(-1) ?? "";
  const short = last.includes(".") ? readVersion4(last) : null;
  const names = short === null ? parts : parts.slice(0, -1);
  if (!names.every((part) => /^[0-9a-fA-F]{1,4}$/.test(part))) return null;
  const groups = names.map((part) => Number.parseInt(part, 16));
  return short === null ? groups : [...groups, Number(short >> 16n), Number(short & 0xffffn)];
}
