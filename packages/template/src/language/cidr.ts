/** Fn::Cidr: address blocks of equal size out of one block, for IPv4 and IPv6. */
const COUNT_MAX = 256;

function isIPv4(address: string): boolean {
  const parts = address.split(".");
  return parts.length === 4 && parts.every((part) => /^[0-9]{1,3}$/.test(part) && Number(part) <= 255);
}

/** Asks the parser of URLs, which knows all forms. */
function isIPv6(address: string): boolean {
  return /^[0-9a-fA-F:.]{2,45}$/.test(address) && URL.canParse(`http://[${address}]/`);
}

/** Gives the blocks, or the predicate of a sentence that says what is wrong. */
export function splitBlock(block: string, count: number, subnetBits: number): readonly string[] | { wrong: string } {
  const [address = "", prefixText = "", ...more] = block.split("/");
  const width = isIPv4(address) ? 32 : isIPv6(address) ? 128 : 0;
  const prefix = /^[0-9]{1,3}$/.test(prefixText) ? Number(prefixText) : 999;
  if (width === 0 || more.length > 0 || prefix > width) return { wrong: `has Fn::Cidr of ${block}, which is no block` };
  if (!Number.isInteger(count) || count < 1 || count > COUNT_MAX)
    return { wrong: `has Fn::Cidr with a count that is not from 1 to ${COUNT_MAX}` };
  if (!Number.isInteger(subnetBits) || subnetBits < 1 || subnetBits > width)
    return { wrong: `has Fn::Cidr with subnet bits that are not from 1 to ${width}` };
  const size = 1n << BigInt(subnetBits);
  const start = (toNumber(address, width) >> BigInt(width - prefix)) << BigInt(width - prefix);
  const end = start + (1n << BigInt(width - prefix));
  if (start + size * BigInt(count) > end) return { wrong: `has Fn::Cidr with ${count} blocks, more than ${block} has` };
  return Array.from(
    { length: count },
    (_, index) => `${toText(start + size * BigInt(index), width)}/${width - subnetBits}`,
  );
}

function toNumber(address: string, width: number): bigint {
  if (width === 32) return address.split(".").reduce((sum, part) => sum * 256n + BigInt(part), 0n);
  const [before = "", after] = address.split("::");
  const groups = (text: string): string[] => (text === "" ? [] : text.split(":").flatMap(groupsOf));
  const [head, tail] = [groups(before), groups(after ?? "")];
  const zeros = after === undefined ? [] : Array.from({ length: 8 - head.length - tail.length }, () => "0");
  return [...head, ...zeros, ...tail].reduce((sum, group) => sum * 65_536n + BigInt(`0x${group}`), 0n);
}

/** The last four bytes may be written as an IPv4 address. */
function groupsOf(group: string): readonly string[] {
  if (!group.includes(".")) return [group];
  const value = toNumber(group, 32);
  return [(value >> 16n).toString(16), (value & 65_535n).toString(16)];
}

function toText(value: bigint, width: number): string {
  if (width === 32) return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join(".");
  const groups = Array.from({ length: 8 }, (_, index) => ((value >> BigInt(112 - index * 16)) & 65_535n).toString(16));
  return compress(groups);
}

/** Writes the longest run of zero groups as `::`. */
function compress(groups: readonly string[]): string {
  let best = { at: 0, length: 0 };
  for (let at = 0; at < groups.length; at++) {
    let length = 0;
    while (groups[at + length] === "0") length++;
    if (length > best.length) best = { at, length };
  }
  if (best.length < 2) return groups.join(":");
  return `${groups.slice(0, best.at).join(":")}::${groups.slice(best.at + best.length).join(":")}`;
}
