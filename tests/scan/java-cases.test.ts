/**
 * Java beyond one example a rule: all that AWS's own scanner finds (its detectors are named in the test), and what it
 * leaves alone.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, it } from "vitest";
import { scan } from "@thaw/scan/scan";
import { compileFixtures, FIXTURES, noServer } from "./compile.ts";

const CASES: Readonly<Record<string, readonly string[]>> = {
  // CacheLambdaHandlerFields: the classes of a handler's fields.
  "field-class": ["identifier Service.id"],
  // What makes a class a handler, and the seeds of BuildRandomReturningMethodsDatabase.
  signatures: [
    "random-value OrderHandler.factor",
    "random-value Upper.factor",
    "timestamp Plain.startedAt",
    "timestamp Streams.startedAt",
  ],
  flows: [
    "identifier Handler.either",
    "identifier Handler.holder",
    "random-generator Handler.dice",
    "random-value Handler.draws",
    "timestamp Handler.label",
  ],
  generators: [
    "random-generator Handler.DRBG",
    "random-generator Handler.SPLIT",
    "random-generator Handler.made",
    "random-generator Handler.named",
    "random-generator Handler.parted",
    "random-generator Handler.sha1",
    "random-generator Handler.splittable",
    "random-value Handler.drawn",
  ],
  bean: ["identifier Orders.instance"],
  late: [],
};
let scratch: string;
let classes: Map<string, string>;

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), "thaw-scan-test-"));
  classes = compileFixtures(
    scratch,
    Object.keys(CASES).map((name) => join(FIXTURES, "java-cases", name)),
  );
});

afterAll(() => {
  rmSync(scratch, { recursive: true });
});

it.for(Object.entries(CASES))("%s", async ([name, expected], { expect }) => {
  const { findings } = await scan(classes.get(join(FIXTURES, "java-cases", name)) ?? "", {}, noServer);
  expect(findings.map((finding) => `${finding.rule} ${finding.kept}`).sort()).toEqual(expected);
});
