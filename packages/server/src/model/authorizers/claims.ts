/** What an HTTP API makes of the claims of a token: texts, in the form that Go gives to values. */

type Claims = Readonly<Record<string, unknown>>;

/** Deeper lists and maps are given as JSON. */
const DEPTH_MAX = 16;

/** All claims as texts: AWS hands on no other. Lists are `[a b]` and maps `map[a:1 b:2]`, as users of AWS report. */
export function claimTexts(claims: Claims): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(claims).map(([name, value]) => [name, textOf(value, 0)]));
}

function textOf(value: unknown, depth: number): string {
  if (typeof value === "string") return value;
  if (value === null) return "<nil>";
  if (typeof value !== "object") return String(value);
  if (depth >= DEPTH_MAX) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((each) => textOf(each, depth + 1)).join(" ")}]`;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `map[${entries.map(([name, each]) => `${name}:${textOf(each, depth + 1)}`).join(" ")}]`;
}

/** Those of the route's scopes that the token has, in `scope` or `scp`: a text with spaces, or a list. */
export function grantedScopes(claims: Claims, wanted: readonly string[]): readonly string[] {
  const given = claims["scope"] ?? claims["scp"];
  const all: readonly unknown[] = typeof given === "string" ? given.split(" ") : Array.isArray(given) ? given : [];
  return wanted.filter((each) => all.includes(each));
}
