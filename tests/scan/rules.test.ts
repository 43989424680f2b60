/**
 * For each rule and language a function that breaks it, and its fixed twin: the first gives this rule and no other, the
 * second nothing.
 */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, it } from "vitest";
import { RULES } from "@thaw/scan/rules";
import { scan } from "@thaw/scan/scan";
import { compileFixtures, FIXTURES, noServer } from "./compile.ts";

const RULE_IDS = RULES.map((rule) => rule.id);
let scratch: string;
let classes: Map<string, string>;

function folderOf(language: string, rule: string, kind: string): string {
  return join(FIXTURES, language, rule, kind);
}

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), "thaw-scan-test-"));
  classes = compileFixtures(
    scratch,
    RULE_IDS.flatMap((rule) => ["broken", "fixed"].map((kind) => folderOf("java", rule, kind))),
  );
});

afterAll(() => {
  rmSync(scratch, { recursive: true });
});

async function rulesIn(dir: string): Promise<string[]> {
  const { findings } = await scan(classes.get(dir) ?? dir, {}, noServer);
  return [...new Set(findings.map((finding) => finding.rule))];
}

describe.for(["python", "javascript", "java"])("%s", (language) => {
  it.for(RULE_IDS)("%s", async (rule, { expect }) => {
    expect(await rulesIn(folderOf(language, rule, "broken"))).toEqual([rule]);
    expect(await rulesIn(folderOf(language, rule, "fixed"))).toEqual([]);
  });

  it("has a fixture for nothing but rules", ({ expect }) => {
    expect(readdirSync(join(FIXTURES, language)).filter((name) => name !== "stubs")).toEqual([...RULE_IDS].sort());
  });
});
