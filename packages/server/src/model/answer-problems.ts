/** Says why what a function returned is no HTTP response, for whoever reads the reason: the member that is wrong. */
import { isMap } from "@thaw/installation/json-map";
import { hasTooManyParts, PARTS_MAX } from "./answer-parts.ts";

const NAMES_MAX = 3;
const NAME_LENGTH_MAX = 60;
/** Number of members that are looked at: the server does nothing else meanwhile, and a result may have 400,000. */
const LOOKS_MAX = 1000;
/** Characters of the members of maps that are looked at: each look reads them several times. */
const CHARACTERS_MAX = 500_000;
/** Bytes of a result whose members are looked at however many they are. */
const LENGTH_MAX = 500_000;
/** Maps whose own members are named. */
const MAPS = new Set(["headers", "multiValueHeaders"]);

/** `isTaken`: whether a result with this text is a response. It is not with `result`. */
export function answerProblem(result: Buffer, isTaken: (result: Buffer) => boolean): string {
  if (result.length > LENGTH_MAX && hasTooManyParts(result))
    return `it has more than ${PARTS_MAX} members and items, among which what is wrong is not looked for`;
  const given = parse(result);
  if (given === null) return "it is no object of JSON in UTF-8";
  let looks = 0;
  let characters = 0;
  let isCut = false;
  const isRight = (members: object, isPart: boolean): boolean => {
    isCut ||= looks === LOOKS_MAX || characters > CHARACTERS_MAX;
    if (isCut) return true;
    looks++;
    const text = JSON.stringify({ statusCode: 200, ...members });
    if (isPart) characters += text.length;
    return isTaken(Buffer.from(text));
  };
  const wrong = Object.entries(given).flatMap(([name, value]) => {
    if (isRight({ [name]: value }, false)) return [];
    const parts = MAPS.has(name) && isMap(value) ? Object.entries(value) : [];
    const inner = parts.flatMap(([key, each]) =>
      isRight({ [name]: { [key]: each } }, true) ? [] : [`${name}.${key}`],
    );
    return inner.length === 0 ? [name] : inner;
  });
  if (wrong.length === 0) return isCut ? "one of its many members is wrong" : "it has no statusCode";
  const named = wrong.slice(0, NAMES_MAX).map((name) => name.slice(0, NAME_LENGTH_MAX));
  const more = wrong.length > NAMES_MAX ? ` and ${wrong.length - NAMES_MAX} more` : "";
  return `its ${named.join(", ")}${more} can't be there, or not with that value`;
}

function parse(result: Buffer): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(result));
    return isMap(value) ? value : null;
  } catch {
    return null;
  }
}
