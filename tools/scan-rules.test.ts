/**
 * docs/reference/scan-rules.md has every rule with its severity, title, reason and cure, and none that is not there;
 * its examples are the fixtures.
 */
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { it } from "vitest";
import { PYTHON_SOURCES } from "@thaw/scan/catalog/python";
import { JAVA_SOURCES } from "@thaw/scan/catalog/java";
import { JAVASCRIPT_SOURCES } from "@thaw/scan/catalog/javascript";
import { RULES } from "@thaw/scan/rules";

const ROOT = resolve(import.meta.dirname, "..");
const text = readFileSync(join(ROOT, "docs/reference/scan-rules.md"), "utf8");
const sections = new Map(
  text
    .split(/^## (?=[a-z-]+$)/m)
    .slice(1)
    .map((section) => [section.split("\n")[0] ?? "", section] as const),
);

it("lists the rules of the source, and only them", ({ expect }) => {
  const rows = [...text.matchAll(/^\| \[`([a-z-]+)`\]\(#\1\) \| (\w+) \| (.*) \|$/gm)].map(
    ([, id, severity, title]) => ({ id, severity, title }),
  );
  expect(rows).toEqual(RULES.map(({ id, severity, title }) => ({ id, severity, title })));
  expect([...sections.keys()]).toEqual(RULES.map((rule) => rule.id));
});

it.for(RULES)("explains $id with what its fixtures are", (rule, { expect }) => {
  const section = sections.get(rule.id) ?? "";
  const prose = section.replaceAll(/\s+/g, " ");
  expect(prose).toContain(`${rule.title} (${rule.severity}). The reason: ${rule.reason}. ${rule.cure}`);
  for (const kind of ["broken", "fixed"]) {
    const code = readFileSync(join(ROOT, `tests/scan/fixtures/python/${rule.id}/${kind}/app.py`), "utf8").trim();
    expect(section).toContain(`\`\`\`python\n${code}\n\`\`\``);
  }
});

it("has sources for each rule in each language, and for no other", ({ expect }) => {
  const known = RULES.map((rule) => rule.id).sort();
  for (const sources of [PYTHON_SOURCES, JAVA_SOURCES, JAVASCRIPT_SOURCES])
    expect([...new Set(sources.map((group) => group.rule).filter((rule) => rule !== "none"))].sort()).toEqual(known);
});
