/** The function that an integration names. */

const INVOCATIONS = /^arn:aws:apigateway:[a-z0-9-]+:lambda:path\/2015-03-31\/functions\/(.*)\/invocations$/;
const FUNCTION = /^arn:aws:lambda:[a-z0-9-]+:\d{12}:function:[A-Za-z0-9_$:.{}-]+$/;
const VARIABLE = /\$\{stageVariables\.([A-Za-z0-9_]{1,64})\}/g;
const LENGTH_MAX = 2048;

/** The ARN, perhaps with stage variables in it; null where the text is none. */
export function integrationFunction(uri: string): string | null {
  if (uri.length > LENGTH_MAX) return null;
  const arn = INVOCATIONS.exec(uri)?.[1] ?? uri;
  return FUNCTION.test(arn) ? arn : null;
}

/** Puts the values of stage variables in their places; null where a stage does not have one. */
export function withVariables(text: string, variables: Readonly<Record<string, string>>): string | null {
  let isWhole = true;
  const filled = text.replaceAll(VARIABLE, (_all, name: string) => {
    if (Object.hasOwn(variables, name)) return variables[name] ?? "";
    isWhole = false;
    return "";
  });
  return isWhole ? filled : null;
}
