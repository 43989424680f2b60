/** Whether a source can be parsed at all, in this process and within a millisecond. */
import { parseSync } from "oxc-parser";

/** False: the parser objects. Node.js itself may not, for it knows more about how a file is loaded. */
export function parses(path: string, source: string): boolean {
  const sourceType = path.endsWith(".cjs") ? "commonjs" : path.endsWith(".mjs") ? "module" : "unambiguous";
  return parseSync(path, source, { lang: "js", sourceType }).errors.every(({ severity }) => severity !== "Error");
}
