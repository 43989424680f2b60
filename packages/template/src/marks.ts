/**
 * Values that are known only after something was deployed: the number of a version, the address of a URL. A mark
 * stands for each in texts, and `fillMarks` replaces it.
 *
 * A mark has private characters of Unicode only, so no delimiter of `Fn::Split` takes one apart.
 */
const BEGIN = "\u{F0000}";
const END = "\u{F0001}";
/** A key's characters are ASCII; they lie this much higher in a mark. */
const SHIFT = 0xf_0100;
const MARK = /\u{F0000}([^\u{F0000}\u{F0001}]*)\u{F0001}/gu;
/** No logical id has a blank. */
const LAYER = "layer ";

function mark(key: string): string {
  return `${BEGIN}${shifted(key, SHIFT)}${END}`;
}

function shifted(text: string, by: number): string {
  return Array.from(text, (character) => String.fromCodePoint((character.codePointAt(0) ?? 0) + by)).join("");
}

/** Stands for the number of the version with this logical id. */
export function versionMark(logicalId: string): string {
  return mark(logicalId);
}

/**
 * Stands for the number of a layer's version. Layers are published before anything else, so that it may stand where
 * that of a function's version may not.
 */
export function layerMark(logicalId: string): string {
  return mark(layerKey(logicalId));
}

/** The key of a layer's mark among the values for `fillMarks`. */
export function layerKey(logicalId: string): string {
  return `${LAYER}${logicalId}`;
}

/**
 * Stands for the address of a URL. The slashes are there already, because templates take the host name out of it:
 * `!Select [2, !Split ["/", !GetAtt FUrl.FunctionUrl]]`.
 */
export function urlMark(logicalId: string): string {
  const [scheme, host, path] = urlKeys(logicalId).map(mark);
  return `${scheme ?? ""}//${host ?? ""}/${path ?? ""}`;
}

/** The address of a URL as values for `fillMarks`. */
export function urlValues(logicalId: string, url: string): ReadonlyArray<readonly [string, string]> {
  const { protocol, host, pathname } = new URL(url);
  const values = [protocol, host, pathname.slice(1)];
  return urlKeys(logicalId).map((key, index) => [key, values[index] ?? ""]);
}

function urlKeys(logicalId: string): readonly string[] {
  return ["scheme", "host", "path"].map((part) => `${logicalId} ${part}`);
}

/** Puts values in the place of marks; null where one of them is not known. */
export function fillMarks(text: string, values: ReadonlyMap<string, string>): string | null {
  let isWhole = true;
  const filled = text.replaceAll(MARK, (_mark, inside: string) => {
    const value = values.get(shifted(inside, -SHIFT));
    if (value === undefined) isWhole = false;
    return value ?? "";
  });
  return isWhole ? filled : null;
}

export function hasMark(text: string): boolean {
  return text.includes(BEGIN);
}

/** True where a text has a mark that is filled only after the functions are there: of a version, or of a URL. */
export function hasLateMark(text: string): boolean {
  return hasMark(text.replaceAll(`${BEGIN}${shifted(LAYER, SHIFT)}`, ""));
}
