import { describe, it } from "vitest";
import { danglingPaths, longLines, sleeps, strewnValues } from "./rules.ts";
import { wrapComments } from "./wrap.ts";

const WIDE = "word ".repeat(30).trim();

describe("lines", () => {
  const PLANTED: ReadonlyArray<readonly [string, string]> = [
    ["a.ts", `// ${WIDE}`],
    ["a.rs", `    /// ${WIDE}`],
    ["a.py", `# ${WIDE}`],
    ["a.sh", `command ${"-x ".repeat(50)}`],
    ["a.ts", `const a = ${"b + ".repeat(40)}c;`],
    ["a.md", WIDE],
  ];
  it.for(PLANTED)("of %s are too long: %s", ([path, text], { expect }) => {
    expect(longLines(path, `ok\n${text}\n`)).toMatchObject([{ line: 2 }]);
  });

  const ALLOWED: ReadonlyArray<readonly [string, string]> = [
    ["a.ts", `throw new Error("${WIDE}");`],
    ["a.ts", `const page = \`<p>\n${WIDE}\n</p>\`;`],
    ["a.ts", `// https://example.com/${"x".repeat(120)}`],
    ["a.rs", `//! a     ──►     ${WIDE}`],
    ["a.md", `| ${WIDE} |`],
    ["a.md", `\`\`\`\n${WIDE}\n\`\`\``],
  ];
  it.for(ALLOWED)("of %s may be long: %s", ([path, text], { expect }) => {
    expect(longLines(path, text)).toEqual([]);
  });

  it("of comments are wrapped, to the end of their paragraph", ({ expect }) => {
    const wrapped = wrapComments(`/** ${WIDE} */\n/**\n * ${WIDE}\n * and on.\n *\n * New.\n */\n// ${WIDE}`);
    expect(longLines("a.ts", wrapped)).toEqual([]);
    expect(wrapped).toContain("word and on.\n *\n * New.");
    expect(wrapComments(wrapped)).toBe(wrapped);
  });
});

describe("sleeps", () => {
  it.for([
    "await new Promise((next) => setTimeout(next, 100));",
    "await new Promise<void>((resolve) => setTimeout(resolve, random() * 1500));",
    "await delay(50);",
    "await setTimeout(POLL_MS);",
  ])("are found: %s", (text, { expect }) => {
    expect(sleeps(`\n${text}`)).toMatchObject([{ line: 2 }]);
    expect(sleeps(`// sleeps: between two looks\n${text}`)).toEqual([]);
    expect(sleeps(`// sleeps:\n${text}`)).toMatchObject([{ line: 2 }]);
  });

  it("may be what a deployed function does", ({ expect }) => {
    expect(sleeps('const text = "await new Promise((next) => setTimeout(next, 100));";')).toEqual([]);
  });
});

describe("properties", () => {
  const property = 'import fc from "fast-check";\nfc.assert(fc.property(fc.nat(), (n) => n >= 0)';

  it("without a seed are found", ({ expect }) => {
    expect(strewnValues(`${property});`)).toMatchObject([{ line: 2 }]);
  });

  it.for([
    `${property}, { numRuns: 9, seed: 1 });`,
    `fc.configureGlobal({ seed: 7 });\n${property});`,
    "fc.sample(fc.nat());",
  ])("with one are not: %s", (text, { expect }) => {
    expect(strewnValues(text)).toEqual([]);
  });
});

describe("paths of documents", () => {
  const exists = (path: string): boolean => ["docs/a.md", "docs/reference/b.md", "tools/check.ts"].includes(path);

  it.for(["[gone](c.md)", "[gone](../reference/d.md#part)", "`packages/gone/src/x.ts`", "see `tools/gone.ts`"])(
    "that lead nowhere: %s",
    (text, { expect }) => {
      expect(danglingPaths("docs/reference/e.md", text, exists)).toHaveLength(1);
    },
  );

  it.for([
    "[b](b.md#part)",
    "[a](../a.md)",
    "[out](https://example.com/x)",
    "`tools/check.ts`",
    "`packages/NAME/src`",
    "```\n[x](y)\n```",
  ])("that lead somewhere: %s", (text, { expect }) => {
    expect(danglingPaths("docs/reference/e.md", text, exists)).toEqual([]);
  });
});
