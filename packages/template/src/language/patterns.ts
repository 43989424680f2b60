/**
 * Patterns of parameters. They are foreign, and have what no linear matching has (look-around), so their time is
 * limited: of all patterns of one template together, for one of a few seconds could be there two hundred times.
 */
import { type Context, createContext, Script } from "node:vm";

/** Of the processor: a busy machine is no fault of a pattern. */
const ALL_MS_MAX = 300;
/** Of one match, by the clock: V8 knows no other limit. */
const ONE_MS_MAX = 500;
const SCRIPT = new Script("new RegExp(`^(?:${pattern})$`).test(value)");

export class Patterns {
  #context: Context | null = null;
  #leftMs = ALL_MS_MAX;

  /** Says what a value must be and is not; null: the pattern matches the whole of it. */
  violation(pattern: string, value: string): string | null {
    this.#context ??= createContext({});
    Object.assign(this.#context, { pattern: toJavaScript(pattern), value });
    const start = process.threadCpuUsage();
    try {
      if (this.#leftMs <= 0) throw new Error("the patterns of this template take too long");
      const isMatch: unknown = SCRIPT.runInContext(this.#context, { timeout: ONE_MS_MAX });
      return isMatch === true ? null : `must match pattern ${pattern}`;
    } catch (error) {
      return `must match pattern ${pattern}, which can't be tried (${(error as Error).message})`;
    } finally {
      const { user, system } = process.threadCpuUsage(start);
      this.#leftMs -= (user + system) / 1000;
    }
  }
}

/** Java's names of character classes, for patterns are Java's. */
const CLASSES: Readonly<Record<string, string>> = {
  Lower: "a-z",
  Upper: "A-Z",
  ASCII: "\\x00-\\x7F",
  Alpha: "a-zA-Z",
  Digit: "0-9",
  Alnum: "a-zA-Z0-9",
  Punct: "!-/:-@\\[-`{-~",
  Graph: "!-~",
  Print: "\\x20-\\x7E",
  Blank: " \\t",
  Cntrl: "\\x00-\\x1F\\x7F",
  XDigit: "0-9a-fA-F",
  Space: "\\s",
};

function toJavaScript(pattern: string): string {
  let isInClass = false;
  // An escape, a bracket, or a named class.
  return pattern.replace(/\\p\{([A-Za-z]+)\}|\\.|[[\]]/g, (part: string, name: string | undefined) => {
    if (part === "[") isInClass = true;
    if (part === "]") isInClass = false;
    const range = name === undefined ? undefined : CLASSES[name];
    if (range === undefined) return part;
    return isInClass ? range : `[${range}]`;
  });
}
