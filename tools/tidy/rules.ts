/** Rules about text that no formatter and no linter has: each takes one file and gives what is wrong with it. */

export interface Problem {
  readonly line: number;
  readonly what: string;
}

export const COLUMNS_MAX = 120;
/** A text in code: messages are not broken, because they are found by searching; no formatter breaks them either. */
const TEXT = /"(?:[^"\\]|\\.){20,}"|'(?:[^'\\]|\\.){20,}'|`[^`]{20,}`?|\/(?:[^/\\]|\\.){20,}\//g;
const COMMENT = /^\s*(?:\/\/|\/?\*|#)/;
/** A picture or a table in a comment. */
const PICTURE = /\S {2,}\S|[─│►▼]/;
/** An address can't be broken. */
const ADDRESS = /[a-z]+:\/\/\S{20,}/;

/**
 * Lines over 120 columns, in code and in documents. Left out is what nothing can wrap: texts in code, addresses, pictures,
 * and in documents tables and code between fences.
 */
export function longLines(path: string, text: string): Problem[] {
  const isDocument = path.endsWith(".md");
  const isTypeScript = /\.(?:tsx?|mjs)$/.test(path);
  let isFenced = false;
  let isInTemplate = false;
  return text.split("\n").flatMap((line, index) => {
    if (isDocument && line.trimStart().startsWith("```")) isFenced = !isFenced;
    const isText = isInTemplate;
    if (isTypeScript && !COMMENT.test(line) && backticks(line) % 2 === 1) isInTemplate = !isInTemplate;
    const columns = widthOf(line);
    if (columns <= COLUMNS_MAX || ADDRESS.test(line) || isText) return [];
    if (!isDocument && (COMMENT.test(line) ? PICTURE.test(line) : widthWithoutTexts(line) <= COLUMNS_MAX)) return [];
    if (isDocument && (isFenced || line.startsWith("|") || line.startsWith("    "))) return [];
    return [{ line: index + 1, what: `${columns} columns` }];
  });
}

/** Columns of a line: a character outside the basic plane is one. */
export function widthOf(text: string): number {
  return text.replaceAll(/[\ud800-\udbff][\udc00-\udfff]/g, ".").length;
}

function backticks(line: string): number {
  return line.replaceAll(/\\`/g, "").split("`").length - 1;
}

function widthWithoutTexts(line: string): number {
  return widthOf(line.replaceAll(TEXT, '""'));
}

/** A promise that is settled by time alone, whatever has happened. */
const SLEEPS = [
  /new Promise\w*(?:<[^>]*>)?\(\(?\w+\)?\s*=>\s*\{?\s*(?:globalThis\.)?setTimeout\(\s*\w+\s*,/,
  /\bawait (?:setTimeout|sleep|delay|wait)\(/,
];
const REASON = /\/\/ sleeps: \S.{9,}/;

/**
 * Sleeps in tests, in their own process: a test waits for a value, or stops at a fault point. `// sleeps: REASON` on
 * the line before allows one. The text of a function that is deployed is a string, and may sleep.
 */
export function sleeps(text: string): Problem[] {
  const lines = text.split("\n");
  return lines.flatMap((line, index) => {
    const code = line.replaceAll(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`/g, '""');
    if (!SLEEPS.some((sleep) => sleep.test(code)) || REASON.test(lines[index - 1] ?? "")) return [];
    return [{ line: index + 1, what: "sleeps: wait for a value, or stop at a fault point" }];
  });
}

/**
 * Properties that are tried with other values in each run: a test says the same of the same code. More values are for
 * whoever looks for a fault, by another seed.
 */
export function strewnValues(text: string): Problem[] {
  const at = text.split("\n").findIndex((line) => /^ *(?:await )?fc\.assert\(/.test(line));
  if (at === -1 || /\bseed(?::|,| })/.test(text)) return [];
  return [{ line: at + 1, what: "properties without a seed: fc.configureGlobal({ seed: 1 })" }];
}

const LINK = /\]\(([^)\s]+)\)/g;
/** A path of the repository in code: `packages/server/src/base`, `tools/check.ts`. */
const CODE_PATH =
  /`((?:\.ci|crates|docs|packages|packaging|patches|runtimes|samples|scanners|tests|tools)\/[\w./@-]+)`/g;

/**
 * Links and paths of a document that lead nowhere. `exists` is asked with paths relative to the repository. Brackets
 * and placeholders (`{a,b}`, `NAME`, `…`) are no paths.
 */
export function danglingPaths(path: string, text: string, exists: (path: string) => boolean): Problem[] {
  // The package's README lies beside docs/ where it is installed.
  const folder = path === "packaging/README.md" ? [] : path.split("/").slice(0, -1);
  let isFenced = false;
  return text.split("\n").flatMap((line, index) => {
    if (line.trimStart().startsWith("```")) isFenced = !isFenced;
    if (isFenced) return [];
    const links = [...line.matchAll(LINK)]
      .map(([, target = ""]) => target.replace(/#.*$/, ""))
      .filter((target) => target !== "" && !/^[a-z]+:/.test(target))
      .map((target) => normalise([...folder, ...target.split("/")]));
    const paths = [...line.matchAll(CODE_PATH)].map(([, target = ""]) => target.replace(/[./]+$/, ""));
    return [...links, ...paths.filter((target) => !/(?:^|\/)[A-Z]+(?:\/|$)|\.\.\./.test(target))]
      .filter((target) => !exists(target))
      .map((target) => ({ line: index + 1, what: `leads nowhere: ${target}` }));
  });
}

function normalise(parts: readonly string[]): string {
  const done: string[] = [];
  for (const part of parts) {
    if (part === "..") done.pop();
    else if (part !== "." && part !== "") done.push(part);
  }
  return done.join("/");
}
