/** The text of Fn::Sub: `${Name}`, `${Name.Attribute}`, and `${!Literal}`, which stays as `${Literal}`. */
import { isScalar } from "../value.ts";
import { type Outcome, UNRESOLVED, type Unresolved } from "./outcome.ts";

const VARIABLE = /\$\{(!?)([^}]*)\}/g;
const NAME = /^[A-Za-z0-9_.:]+$/;
/** Of a name that is wrong, in a sentence. */
const SHOWN_MAX = 100;

/** What came of a text, or the predicate of a sentence that says what is wrong with it. */
type Substituted = string | Unresolved | { readonly wrong: string } | { readonly isTooLong: true };

/** Fills a text in; UNRESOLVED where a value is, after each of them was asked for. */
export function substitute(text: string, find: (name: string) => Outcome, charactersMax: number): Substituted {
  let wrong: string | null = null;
  let isWhole = true;
  let characters = text.length;
  const valueOf = (inner: string): string => {
    const name = inner.trim();
    if (!NAME.test(name)) {
      wrong ??= `has Fn::Sub with \${${inner.slice(0, SHOWN_MAX)}}: a variable has only letters, digits, underscores, periods and colons`;
      return "";
    }
    const found = name === "AWS::NoValue" ? undefined : find(name);
    if (found === UNRESOLVED) isWhole = false;
    else if (isScalar(found)) return String(found);
    else if (found !== undefined) wrong ??= `has Fn::Sub with \${${name}}, which is no text`;
    return "";
  };
  // Behind the last brace there is no variable, and each search for one would go over all that is left.
  const end = text.lastIndexOf("}") + 1;
  const filled = text.slice(0, end).replaceAll(VARIABLE, (_whole, literal: string, inner: string) => {
    if (literal === "!") return `\${${inner}}`;
    const value = characters > charactersMax ? "" : valueOf(inner);
    characters += value.length;
    return characters > charactersMax ? "" : value;
  });
  if (wrong !== null) return { wrong };
  if (characters > charactersMax) return { isTooLong: true };
  return isWhole ? filled + text.slice(end) : UNRESOLVED;
}
