/**
 * What it costs that clones are unique: each function twice, with the cures and with THAW_RESEED_SKIP=all, restored and
 * called in turns so that both see the same moments of the machine. `node tests/bench/cures.ts`; JSON in
 * bench/out/cures.json.
 *
 * Per restore: the server's phases `criu` (the mapping comes back with the process) and `hooks` (from the answer of
 * restore/next to the next poll, where the cures run). Per call: nanoseconds, best of several rounds in a clone that
 * has run warm.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { CreateFunctionCommandInput } from "@aws-sdk/client-lambda";
import { TestFunctions } from "../support/functions.ts";
import { javaPackage, type Package, source } from "../support/test-functions.ts";
import { REPOSITORY, startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { summarize } from "./series.ts";
import { restoreTraces } from "./subjects.ts";

const PAIRS = 40;
const SKIPPED = [1, 2, 3];

type Calls = Readonly<Record<string, number>>;

interface Subject {
  readonly label: string;
  readonly files: () => Package;
  readonly options: Partial<CreateFunctionCommandInput>;
}

const SUBJECTS: readonly Subject[] = [
  { label: "Node.js", files: () => ({ "index.mjs": source("calls.mjs") }), options: { Runtime: "nodejs24.x" } },
  { label: "Python", files: () => ({ "index.py": source("calls.py") }), options: { Runtime: "python3.13" } },
  {
    label: "Java",
    files: () => javaPackage("unique/Calls.java", /^kotlin-stdlib-/),
    options: { Runtime: "java17", Handler: "Calls::handleRequest", MemorySize: 512 },
  },
];

interface Side {
  readonly name: string;
  readonly version: string;
  readonly hooksMs: number[];
  readonly criuMs: number[];
  readonly calls: Calls[];
}

async function main(): Promise<void> {
  const server = await startThaw();
  const results: Record<string, unknown> = {};
  try {
    const functions = new TestFunctions(server, { keepAlive: true });
    for (const subject of SUBJECTS) {
      const cured = await deploy(functions, subject, {});
      const plain = await deploy(functions, subject, { THAW_RESEED_SKIP: "all" });
      // The first restores read files that no cache has yet.
      for (const _ of SKIPPED) for (const side of [cured, plain]) await restoreOnce(server, functions, side, false);
      for (let i = 0; i < PAIRS; i++)
        for (const side of i % 2 === 0 ? [cured, plain] : [plain, cured])
          await restoreOnce(server, functions, side, true);
      results[subject.label] = report(subject.label, cured, plain);
    }
  } finally {
    await server.remove();
  }
  mkdirSync(join(REPOSITORY, "bench/out"), { recursive: true });
  writeFileSync(join(REPOSITORY, "bench/out/cures.json"), `${JSON.stringify(results, null, 2)}\n`);
}

async function deploy(functions: TestFunctions, subject: Subject, variables: Record<string, string>): Promise<Side> {
  const name = await functions.createSnapStart(subject.files(), {
    ...subject.options,
    Timeout: 60,
    Environment: { Variables: variables },
  });
  return { name, version: await functions.publish(name), hooksMs: [], criuMs: [], calls: [] };
}

async function restoreOnce(
  server: ThawServer,
  functions: TestFunctions,
  side: Side,
  isCounted: boolean,
): Promise<void> {
  const from = server.output().length;
  await functions.invoke(side.name, {}, side.version);
  const { payload } = await functions.invoke(side.name, { measure: true }, side.version);
  await functions.stopEnvironments(side.name);
  if (!isCounted) return;
  const [trace] = await restoreTraces(server, functions, { from, count: 1 });
  side.hooksMs.push(trace?.phases["hooks"] ?? Number.NaN);
  side.criuMs.push(trace?.phases["criu"] ?? Number.NaN);
  side.calls.push(payload as Calls);
}

function report(label: string, cured: Side, plain: Side): unknown {
  const rows = [
    ["restore: hooks phase, ms", compare(cured.hooksMs, plain.hooksMs)],
    ["restore: CRIU, ms", compare(cured.criuMs, plain.criuMs)],
    ...Object.keys(cured.calls[0] ?? {}).map((name) => {
      const of = (side: Side): number[] => side.calls.map((calls) => calls[name] ?? Number.NaN);
      return [`${name}, ns a call`, compare(of(cured), of(plain))] as const;
    }),
  ] as const;
  process.stdout.write(`\n${label}: with, without, median of the differences (quartiles)\n`);
  for (const [name, { cured: a, plain: b, difference: d }] of rows) {
    process.stdout.write(
      `  ${name.padEnd(44)} ${a.toFixed(2).padStart(9)} ${b.toFixed(2).padStart(9)} ${d.median.toFixed(2).padStart(9)} (${d.p25.toFixed(2)} … ${d.p75.toFixed(2)})\n`,
    );
  }
  return Object.fromEntries(rows);
}

function compare(
  cured: readonly number[],
  plain: readonly number[],
): { cured: number; plain: number; difference: ReturnType<typeof summarize> } {
  const differences = cured.map((value, i) => value - (plain[i] ?? Number.NaN));
  return { cured: summarize(cured).median, plain: summarize(plain).median, difference: summarize(differences) };
}

await main();
