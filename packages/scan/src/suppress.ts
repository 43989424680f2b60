/**
 * Findings that people decided to live with. In sources: `// thaw-ignore RULE reason` (`#` in Python) on the line, or
 * alone on the line above. For class files without sources, and for many places at once: a file `.thaw-ignore` beside
 * the code, `RULE PATTERN reason` a line, where PATTERN is a file (`src/*.py`, `com/example/Handler.java:12`) or what
 * holds the value (`Handler.START`). The reason is not optional.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ruleOf } from "./rules.ts";

export interface Suppression {
  readonly kind: "inSource" | "external";
  readonly reason: string;
}

export interface Suppressible {
  readonly rule: string;
  /** File as the scanner names it, and its path on disk, if it is there. */
  readonly file: string;
  readonly path: string | null;
  readonly line: number;
  readonly kept: string | null;
}

interface IgnoreLine {
  readonly rule: string;
  readonly pattern: RegExp;
  readonly reason: string;
}

const COMMENT = /(?:\/\/|#|\/\*)\s*thaw-ignore\b\s*([\w-]*)\s*(.*)$/;
const COMMENT_ALONE = /^\s*(?:\/\/|#|\/\*)/;
export const IGNORE_FILE = ".thaw-ignore";

export class Suppressions {
  readonly problems: string[] = [];
  readonly #lines: readonly IgnoreLine[];
  readonly #sources = new Map<string, readonly string[]>();

  constructor(root: string) {
    this.#lines = this.#readIgnoreFile(join(root, IGNORE_FILE));
  }

  find(finding: Suppressible): Suppression | null {
    return this.#inSource(finding) ?? this.#inFile(finding);
  }

  #inSource({ path, line, rule }: Suppressible): Suppression | null {
    if (path === null) return null;
    const lines = this.#linesOf(path);
    const above = lines[line - 2] ?? "";
    for (const text of [lines[line - 1] ?? "", COMMENT_ALONE.test(above) ? above : ""]) {
      const found = COMMENT.exec(text);
      if (found === null) continue;
      const [, named = "", rest = ""] = found;
      const reason = rest.replace(/\*\/\s*$/, "").trim();
      if (ruleOf(named) === undefined) this.#complain(`${path}:${line}: thaw-ignore '${named}' is no rule`);
      else if (named === rule && reason === "")
        this.#complain(`${path}:${line}: thaw-ignore ${named} has no reason, so it does not count`);
      else if (named === rule) return { kind: "inSource", reason };
    }
    return null;
  }

  #inFile({ rule, file, line, kept }: Suppressible): Suppression | null {
    const names = [file, `${file}:${line}`, ...(kept === null ? [] : [kept])];
    const found = this.#lines.find((each) => each.rule === rule && names.some((name) => each.pattern.test(name)));
    return found === undefined ? null : { kind: "external", reason: found.reason };
  }

  #readIgnoreFile(path: string): IgnoreLine[] {
    if (!existsSync(path)) return [];
    const found: IgnoreLine[] = [];
    readFileSync(path, "utf8")
      .split("\n")
      .forEach((text, index) => {
        if (text.trim() === "" || text.startsWith("#")) return;
        const [rule = "", pattern = "", ...words] = text.trim().split(/\s+/);
        if (ruleOf(rule) === undefined) this.#complain(`${path}:${index + 1}: '${rule}' is no rule`);
        else if (words.length === 0)
          this.#complain(`${path}:${index + 1}: RULE PATTERN reason: the reason is missing, so it does not count`);
        else found.push({ rule, pattern: toPattern(pattern), reason: words.join(" ") });
      });
    return found;
  }

  #complain(problem: string): void {
    if (!this.problems.includes(problem)) this.problems.push(problem);
  }

  #linesOf(path: string): readonly string[] {
    const known = this.#sources.get(path);
    if (known !== undefined) return known;
    const lines = existsSync(path) ? readFileSync(path, "utf8").split("\n") : [];
    this.#sources.set(path, lines);
    return lines;
  }
}

function toPattern(glob: string): RegExp {
  return new RegExp(
    `^${glob
      .split("*")
      .map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, "\\$&"))
      .join(".*")}$`,
  );
}
