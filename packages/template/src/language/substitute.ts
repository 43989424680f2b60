/** The text of Fn::Sub: `${Name}`, `${Name.Attribute}`, and `${!Literal}`, which stays as `${Literal}`. */
import { isScalar } from "../value.ts";
import { type Outcome, UNRESOLVED, type Unresolved } from "./outcome.ts";

const VARIABLE = /\$\{(!?)([^}]*)\}/g;
const NAME = /^[A-Za-z0-9_.:]+$/;

/**
 * Fills a text in; UNRESOLVED where a value is, after each of them was asked for. Gives the predicate of a sentence
 * where the text is wrong.
 */
export function substitute(text: string, find: (name: string) => Outcome): string | Unresolved | { wrong: string } {
  let wrong: string | null = null;
  let isWhole = true;
  const filled = text.replaceAll(VARIABLE, (_whole, literal: string, inner: string) => {
    if (literal === "!") return `\${${inner}}`;
    const name = inner.trim();
    if (!NAME.test(name)) {
      wrong ??= `has Fn::Sub with \${${inner}}: a variable has only letters, digits, underscores, periods and colons`;
      return "";
    }
    const found = name === "AWS::NoValue" ? undefined : find(name);
    if (found === UNRESOLVED) isWhole = false;
    else if (isScalar(found)) return String(found);
    else if (found === undefined) return "";
    else wrong ??= `has Fn::Sub with \${${name}}, which is no text`;
    return "";
  });
  if (wrong !== null) return { wrong };
  return isWhole ? filled : UNRESOLVED;
}
