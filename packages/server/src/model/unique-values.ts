/**
 * Finds values that look as if there were only one of each: identifiers, tokens, random numbers, times. They are found
 * in a function's answers and logs by their form, and by the name of the member that holds them. A value without such a
 * form (a short word, a count) is not.
 */
export type UniqueKind = "uuid" | "jwt" | "hex" | "random-string" | "random-number" | "time";

export interface UniqueValue {
  readonly kind: UniqueKind;
  /** Value as it stands in the text. */
  readonly text: string;
  /** Place of the value, such as `response.items[0].id` or `log`. */
  readonly place: string;
  /** Moment that a time stands for, milliseconds since the epoch, and how exact it is; absent for other kinds. */
  readonly time?: { readonly ms: number; readonly precisionMs: number };
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const JWT = /^eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}$/;
const HEX = /^(?=.*\d)(?=.*[a-f])[0-9a-f]{16,}$/i;
/** Keys, signatures and the like: long, with capitals, small letters and digits. */
const BASE64 = /^(?=.*\d)(?=.*[a-z])(?=.*[A-Z])[\w+/-]{40,}={0,2}$/;
const BASE64_ENTROPY_BITS_MIN = 4.5;
const ISO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:?\d\d)$/;
/** Time in the form of X-Amz-Date. */
const BASIC_TIME = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/;
/** Words of a text that is no JSON: a time, a token, or a number. Bounded: a text may be one word of megabytes. */
const TOKEN =
  /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d)|[A-Za-z0-9_+/=-]{1,10000}(?:\.[A-Za-z0-9_+/=-]{1,10000}){0,100}/g;
/** Names of members that hold something unique, whatever it looks like. */
const UNIQUE_NAME = /token|nonce|salt|secret|session|uuid|guid|random|seed|otp|(^|[_.])id$|Id$|ID$/i;
const NAMED_SIZE_MIN = 6;
const NAMED_SIZE_MAX = 512;
const RANDOM_SIZE_MIN = 16;
const ENTROPY_BITS_MIN = 3;
/** Number of digits that a double which was drawn nearly always has. */
const FRACTION_DIGITS_MIN = 10;
const INTEGER_DIGITS_MIN = 9;
/** Times in seconds: between 2001 and 2286 they have ten digits. */
const TIME_UNITS: ReadonlyArray<readonly [RegExp, number]> = [
  [/^[1-9]\d{9}(\.\d+)?$/, 1000],
  [/^[1-9]\d{12}(\.\d+)?$/, 1],
  [/^[1-9]\d{15}$/, 1e-3],
  [/^[1-9]\d{18}$/, 1e-6],
];
const VALUES_MAX = 2000;
/** Number of digits of the shortest random number; all else that is unique is longer. */
const TOKEN_SIZE_MIN = INTEGER_DIGITS_MIN;
/** Characters of a text by which its entropy is reckoned. */
const SAMPLE_SIZE_MAX = 4096;
/** Deeper parts of a document are not looked into: what reads them calls itself for each level. */
const DEPTH_MAX = 1000;

/** Reckons bits for each character, by how often each occurs. */
export function entropyOf(whole: string): number {
  const text = whole.slice(0, SAMPLE_SIZE_MAX);
  const counts = new Map<string, number>();
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / text.length) * Math.log2(count / text.length);
  return bits;
}

/** Finds all that looks unique in a payload: in each member of a JSON document, else among the words of the text. */
export function findUniqueValues(payload: string, root: string): readonly UniqueValue[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(payload);
  } catch {
    return fromText(payload, root, "");
  }
  const found: UniqueValue[] = [];
  walk(parsed, { place: root, name: "", depth: 0 }, found);
  return found.slice(0, VALUES_MAX);
}

/**
 * Finds unique values in a text that has a name and is no document: a header, a parameter. Digits stay as they stand.
 */
export function findNamedValues(text: string, place: string, name: string): readonly UniqueValue[] {
  const found: UniqueValue[] = [];
  fromString(text, place, name, found);
  return found.slice(0, VALUES_MAX);
}

interface Place {
  readonly place: string;
  readonly name: string;
  readonly depth: number;
}

function walk(value: unknown, { place, name, depth }: Place, found: UniqueValue[]): void {
  if (found.length >= VALUES_MAX || depth > DEPTH_MAX) return;
  if (Array.isArray(value)) {
    for (const [index, each] of value.entries()) {
      if (found.length >= VALUES_MAX) return;
      walk(each, { place: `${place}[${index}]`, name, depth: depth + 1 }, found);
    }
  } else if (typeof value === "object" && value !== null) {
    for (const [key, member] of Object.entries(value))
      walk(member, { place: /^[\w$-]+$/.test(key) ? `${place}.${key}` : place, name: key, depth: depth + 1 }, found);
  } else if (typeof value === "number") push(found, fromNumber(String(value), place));
  else if (typeof value === "string") fromString(value, place, name, found);
}

function fromString(text: string, place: string, name: string, found: UniqueValue[]): void {
  // A body that is JSON itself, as API Gateway wants it.
  if (/^\s*[[{]/.test(text)) return void found.push(...findUniqueValues(text, place));
  const before = found.length;
  found.push(...fromText(text, place, name));
  const word = text.trim();
  const isNamed =
    UNIQUE_NAME.test(name) && word.length >= NAMED_SIZE_MIN && word.length <= NAMED_SIZE_MAX && /^\S+$/.test(word);
  if (found.length === before && isNamed) found.push({ kind: "random-string", text: word, place });
}

function fromText(text: string, place: string, name: string): UniqueValue[] {
  const found: UniqueValue[] = [];
  for (const [token] of text.matchAll(TOKEN)) {
    if (token.length >= TOKEN_SIZE_MIN) push(found, classify(token, place, name));
    if (found.length >= VALUES_MAX) break;
  }
  return found;
}

function push(found: UniqueValue[], value: UniqueValue | null): void {
  if (value !== null) found.push(value);
}

function classify(token: string, place: string, name: string): UniqueValue | null {
  if (ISO_TIME.test(token)) return isoTime(token, place, token);
  if (BASIC_TIME.test(token)) return isoTime(token, place, token.replace(BASIC_TIME, "$1-$2-$3T$4:$5:$6Z"));
  if (UUID.test(token)) return entropyOf(token) < 1.5 ? null : { kind: "uuid", text: token, place };
  // A word in front of one: `instance-0b5c…`.
  const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/i.exec(token);
  if (uuid !== null) return { kind: "uuid", text: uuid[0], place };
  if (JWT.test(token)) return { kind: "jwt", text: token, place };
  if (/^-?\d+(\.\d+)?(e-?\d+)?$/i.test(token)) return fromNumber(token, place);
  if (HEX.test(token)) return entropyOf(token) < ENTROPY_BITS_MIN ? null : { kind: "hex", text: token, place };
  if (BASE64.test(token) && entropyOf(token) >= BASE64_ENTROPY_BITS_MIN)
    return { kind: "random-string", text: token, place };
  return isRandomString(token, name) ? { kind: "random-string", text: token, place } : null;
}

function isRandomString(token: string, name: string): boolean {
  if (token.length < RANDOM_SIZE_MIN || entropyOf(token) < ENTROPY_BITS_MIN) return false;
  // Names of classes, files and hosts have dots and words; a random text is one piece with digits strewn in.
  const pieces = token.split(/[-_./=+]/).filter((piece) => piece !== "");
  const longest = pieces.reduce((best, piece) => (piece.length > best.length ? piece : best), "");
  const digitGroups = longest.match(/\d+/g)?.length ?? 0;
  const isStrewn = longest.length >= RANDOM_SIZE_MIN && digitGroups >= 2 && /[a-z]/i.test(longest);
  return isStrewn || (UNIQUE_NAME.test(name) && token.length >= NAMED_SIZE_MIN);
}

function fromNumber(text: string, place: string): UniqueValue | null {
  const time = numericTime(text);
  if (time !== null) return { kind: "time", text, place, time };
  const fraction = /^-?\d*\.(\d+)$/.exec(text)?.[1] ?? /^-?\d\.(\d+)e-\d+$/i.exec(text)?.[1];
  if (fraction !== undefined)
    return fraction.replace(/^0+/, "").length >= FRACTION_DIGITS_MIN ? { kind: "random-number", text, place } : null;
  return /^-?\d+$/.test(text) && text.replace(/^-|0+$/g, "").length >= INTEGER_DIGITS_MIN
    ? { kind: "random-number", text, place }
    : null;
}

function numericTime(text: string): NonNullable<UniqueValue["time"]> | null {
  for (const [form, factor] of TIME_UNITS) {
    if (form.test(text))
      return { ms: Number(text) * factor, precisionMs: text.includes(".") ? 1 : Math.max(factor, 1) };
  }
  return null;
}

function isoTime(text: string, place: string, iso: string): UniqueValue | null {
  // Date reads three digits of the second's fraction.
  const ms = Date.parse(iso.replace(/(\.\d{3})\d+/, "$1"));
  if (Number.isNaN(ms)) return null;
  return { kind: "time", text, place, time: { ms, precisionMs: text.includes(".") ? 1 : 1000 } };
}

/**
 * Lists the forms in which a value may be kept in memory: as text in one byte or two bytes a character (V8 and the JVM
 * have both), a number as a double or an integer of 64 bits, a UUID as its 16 bytes or as the two halves of Java's.
 */
export function formsInMemory(value: UniqueValue): readonly Buffer[] {
  const forms = [Buffer.from(value.text, "utf8"), Buffer.from(value.text, "utf16le")];
  if (value.kind === "uuid") {
    const bytes = Buffer.from(value.text.replaceAll("-", ""), "hex");
    forms.push(bytes, Buffer.from(bytes.subarray(0, 8)).reverse());
  }
  if (value.kind === "hex" && value.text.length % 2 === 0) forms.push(Buffer.from(value.text, "hex"));
  if (value.kind === "random-number" || value.kind === "time") {
    const number = Number(value.text);
    const double = Buffer.alloc(8);
    double.writeDoubleLE(number);
    if (Number.isFinite(number)) forms.push(double);
    if (/^-?\d{1,19}$/.test(value.text) && BigInt.asIntN(64, BigInt(value.text)) === BigInt(value.text)) {
      const integer = Buffer.alloc(8);
      integer.writeBigInt64LE(BigInt(value.text));
      forms.push(integer);
    }
  }
  return forms.filter((form) => form.length >= 4 && form.length <= 4096);
}
