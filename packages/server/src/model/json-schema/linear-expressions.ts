/** Foreign regular expressions, carried out in linear time. */
import type { CompileExpression } from "./check.ts";

/** Loads the library when the first schema with a pattern needs it. */
export async function loadLinearExpressions(): Promise<CompileExpression> {
  const { RE2JS } = await import("re2js");
  return (source) => {
    const compiled = RE2JS.compile(RE2JS.translateRegExp(source));
    return { test: (text) => compiled.test(text), size: compiled.programSize() };
  };
}
