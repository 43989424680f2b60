/**
 * docs/reference/uniqueness.md, line by line: 200 clones of one snapshot draw from every source of chance of their runtime. The same
 * function without the cures shows that the test can fail: there, what is "made safe" repeats.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { CreateFunctionCommandInput } from "@aws-sdk/client-lambda";
import { afterAll, beforeAll, describe, it } from "vitest";
import { REPOSITORY, startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { askClones, countDistinct } from "../support/clones.ts";
import { TestFunctions } from "../support/functions.ts";
import { javaPackage, type Package, program, pythonPackages, source } from "../support/test-functions.ts";

const CLONES = 200;
/** Enough to see that all give the same. */
const CLONES_WITHOUT_CURE = 8;

type Kind = "safe by nature" | "made safe" | "yours to fix";

interface Case {
  readonly runtime: string;
  readonly files: () => Package | null;
  readonly options: Partial<CreateFunctionCommandInput>;
}

const CASES: readonly Case[] = [
  { runtime: "Node.js", files: () => ({ "index.mjs": source("index.mjs") }), options: { Runtime: "nodejs24.x" } },
  {
    runtime: "Python",
    files: () => ({ "index.py": source("index.py"), ...pythonPackages(/^(numpy|numpy\.libs|cryptography|_?cffi.*|pycparser)$/) }),
    options: { Runtime: "python3.13" },
  },
  {
    runtime: "Java",
    files: () => javaPackage("Unique.java", /^kotlin-stdlib-/),
    options: { Runtime: "java17", Handler: "Unique::handleRequest", MemorySize: 512 },
  },
  { runtime: "Go", files: () => program("go"), options: { Runtime: "provided.al2023" } },
  { runtime: "Rust", files: () => program("rust"), options: { Runtime: "provided.al2023" } },
];

let server: ThawServer;
let functions: TestFunctions;

beforeAll(async () => {
  server = await startThaw({ args: ["--pool", "8"] });
  functions = new TestFunctions(server);
});

afterAll(() => server?.remove());

/** The lines of the document's table for one runtime. */
function documented(runtime: string): ReadonlyMap<string, Kind> {
  const text = readFileSync(join(REPOSITORY, "docs/reference/uniqueness.md"), "utf8");
  const rows = text.split("\n").map((line) => line.split("|").map((cell) => cell.trim()));
  return new Map(rows.filter((cells) => cells[1] === runtime).map((cells) => [(cells[2] ?? "").replaceAll("`", ""), cells[3] as Kind]));
}

describe.each(CASES)("$runtime", ({ runtime, files, options }) => {
  async function distinctValues(count: number, variables: Record<string, string>): Promise<Readonly<Record<string, number>> | null> {
    const code = files();
    if (code === null) return null;
    const name = await functions.createSnapStart(code, { ...options, Timeout: 30, Environment: { Variables: variables } });
    const version = await functions.publish(name);
    return countDistinct(await askClones(functions, name, version, count));
  }

  const sourcesOf = (kind: Kind): string[] => [...documented(runtime)].filter(([, found]) => found === kind).map(([name]) => name);
  const pick = (found: Readonly<Record<string, number>>, names: readonly string[], expected: number): Record<string, number> =>
    Object.fromEntries(names.filter((name) => found[name] !== expected).map((name) => [name, found[name] ?? 0]));

  it(`gives ${CLONES} clones different numbers from every source that is safe`, { timeout: 180_000 }, async ({ expect, skip }) => {
    const found = (await distinctValues(CLONES, {})) ?? skip("its compiler is not installed");
    expect(Object.keys(found).sort(), "what the function draws from is what the document lists").toEqual([...documented(runtime).keys()].sort());
    expect(pick(found, [...sourcesOf("safe by nature"), ...sourcesOf("made safe")], CLONES)).toEqual({});
    expect(pick(found, sourcesOf("yours to fix"), 1), "what is yours repeats").toEqual({});
  });

  it("repeats what is made safe where the cures are turned off", { timeout: 60_000 }, async ({ expect, skip }) => {
    const found = (await distinctValues(CLONES_WITHOUT_CURE, { THAW_RESEED_SKIP: "all" })) ?? skip("its compiler is not installed");
    expect(pick(found, sourcesOf("safe by nature"), CLONES_WITHOUT_CURE)).toEqual({});
    expect(pick(found, [...sourcesOf("made safe"), ...sourcesOf("yours to fix")], 1)).toEqual({});
  });
});
