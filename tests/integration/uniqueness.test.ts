// long: some minutes of clones in four languages
/**
 * docs/reference/uniqueness.md, line by line: 200 clones of one snapshot draw from every source of chance of their
 * runtime. The same function without the cures shows that the test can fail: there, what is "made safe" repeats.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { CreateFunctionCommandInput, Runtime } from "@aws-sdk/client-lambda";
import { describe, it } from "vitest";
import { REPOSITORY } from "../../tools/thaw-server.ts";
import { askClones, countDistinct } from "../support/clones.ts";
import type { TestFunctions } from "../support/functions.ts";
import { javaPackage, type Package, program, pythonPackages, source } from "../support/test-functions.ts";
import { withThaw } from "../support/with-thaw.ts";

const CLONES = 200;
/** Enough to see that all give the same. */
const CLONES_WITHOUT_CURE = 16;

/** "always": by a file of the sandbox that a function can't turn off. */
type Kind = "safe by nature" | "made safe" | "made safe, always" | "yours to fix" | "yours, fixed";

interface Case {
  readonly runtime: string;
  readonly files: () => Package | null;
  readonly options: Partial<CreateFunctionCommandInput>;
}

/** THAW_TEST_RUNTIMES=java21,python3.14: these in place of what is always tested. They must be installed. */
const CHOSEN = (process.env["THAW_TEST_RUNTIMES"] ?? "").split(",").filter((name) => name !== "");

const CASES: readonly Case[] = [
  { runtime: "Node.js", files: () => ({ "index.mjs": source("index.mjs") }), options: { Runtime: "nodejs24.x" } },
  {
    runtime: "Python",
    files: () => ({
      "index.py": source("index.py"),
      ...pythonPackages(/^(numpy|numpy\.libs|cryptography|_?cffi.*|pycparser)$/),
    }),
    options: { Runtime: "python3.13" },
  },
  {
    runtime: "Java",
    files: () => javaPackage("unique/Unique.java", /^(kotlin-stdlib|AmazonCorretto)/),
    options: { Runtime: "java17", Handler: "Unique::handleRequest", MemorySize: 512 },
  },
  { runtime: "Go", files: () => program("go"), options: { Runtime: "provided.al2023" } },
  { runtime: "Rust", files: () => program("rust"), options: { Runtime: "provided.al2023" } },
];

const LANGUAGES: Readonly<Record<string, string>> = { nodejs: "Node.js", python: "Python", java: "Java" };

function caseOf(name: string): Case {
  const found = CASES.find(({ runtime }) => runtime === LANGUAGES[/^[a-z]+/.exec(name)?.[0] ?? ""]);
  if (found === undefined) throw new Error(`no function is written for ${name}`);
  return { ...found, options: { ...found.options, Runtime: name as Runtime } };
}

let functions: TestFunctions;
withThaw(
  (made) => {
    functions = made;
  },
  { args: ["--pool", "8"] },
);

/** The lines of the document's table for one runtime. */
function documented(runtime: string): ReadonlyMap<string, Kind> {
  const text = readFileSync(join(REPOSITORY, "docs/reference/uniqueness.md"), "utf8");
  const rows = text.split("\n").map((line) => line.split("|").map((cell) => cell.trim()));
  return new Map(
    rows
      .filter((cells) => cells[1] === runtime)
      .map((cells) => [(cells[2] ?? "").replaceAll("`", ""), cells[3] as Kind]),
  );
}

describe.each(CHOSEN.length > 0 ? CHOSEN.map(caseOf) : CASES)(
  "$runtime, $options.Runtime",
  ({ runtime, files, options }) => {
    async function distinctValues(
      count: number,
      variables: Record<string, string>,
    ): Promise<Readonly<Record<string, number>> | null> {
      const code = files();
      if (code === null) return null;
      const name = await functions.createSnapStart(code, {
        ...options,
        Timeout: 120,
        Environment: { Variables: variables },
      });
      const version = await functions.publish(name);
      return countDistinct(await askClones(functions, name, version, count));
    }

    const sourcesOf = (kind: Kind): string[] =>
      [...documented(runtime)].filter(([, found]) => found === kind).map(([name]) => name);
    type Found = Readonly<Record<string, number>>;
    const listed = (found: Found, names: readonly string[]): Found =>
      Object.fromEntries(names.map((name) => [name, found[name] ?? 0]));
    const repeating = (found: Found, names: readonly string[], count: number): Found =>
      listed(
        found,
        names.filter((name) => found[name] !== count),
      );
    /** Two different values do not make two hundred: Go has a generator for each of its threads. */
    const notRepeating = (found: Found, names: readonly string[], count: number): Found =>
      listed(
        found,
        names.filter((name) => found[name] === undefined || found[name] > count / 2),
      );

    it(`gives ${CLONES} clones different numbers from every source that is safe`, { timeout: 900_000 }, async ({
      expect,
      skip,
    }) => {
      const found = (await distinctValues(CLONES, {})) ?? skip("its compiler is not installed");
      expect(Object.keys(found).sort(), "what the function draws from is what the document lists").toEqual(
        [...documented(runtime).keys()].sort(),
      );
      const safe = [...documented(runtime)].filter(([, kind]) => kind !== "yours to fix").map(([name]) => name);
      expect(repeating(found, safe, CLONES)).toEqual({});
      expect(notRepeating(found, sourcesOf("yours to fix"), CLONES), "what is yours repeats").toEqual({});
    });

    it("repeats what is made safe where the cures are turned off", async ({ expect, skip }) => {
      const found =
        (await distinctValues(CLONES_WITHOUT_CURE, { THAW_RESEED_SKIP: "all" })) ??
        skip("its compiler is not installed");
      expect(
        repeating(found, [...sourcesOf("safe by nature"), ...sourcesOf("made safe, always")], CLONES_WITHOUT_CURE),
      ).toEqual({});
      expect(
        notRepeating(found, [...sourcesOf("made safe"), ...sourcesOf("yours to fix")], CLONES_WITHOUT_CURE),
      ).toEqual({});
    });
  },
);
