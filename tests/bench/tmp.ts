/**
 * What a clone's `/tmp` is of a restore, which is done by sandboxd alone: until the program of the clone has answered.
 * With THAW_BENCH_BASE, a directory with the programs of another build, each round has a clone of either, in turns.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { REPOSITORY } from "../../tools/thaw-server.ts";
import { type TestClone, TestSandboxd } from "../support/sandboxd.ts";
import type { Series } from "./series.ts";

const ROUNDS = 30;
/** The first restores lay the snapshot out. */
const LEARNING = 3;
/** A sandbox is made ahead when there was no restore for 100 ms. */
const QUIET_MS = 400;
const SUBJECTS: Readonly<Record<string, string>> = {
  "nothing in /tmp": "",
  "20 files of 2 kB": 'for n in range(20): open(f"/tmp/{n}", "wb").write(os.urandom(2000))',
  "8 MiB in 2,000 files": 'for n in range(2000): open(f"/tmp/{n}", "wb").write(os.urandom(4096))',
  "8 MiB in a file": 'open("/tmp/file", "wb").write(os.urandom(8 << 20))',
};

interface Build {
  readonly name: string;
  readonly sandboxd: TestSandboxd;
}

async function restoreMs(build: Build, snapshot: Awaited<ReturnType<TestSandboxd["snapshot"]>>, like: TestClone) {
  await pause(QUIET_MS);
  const startMs = performance.now();
  const clone = await build.sandboxd.restore(snapshot, like.spec);
  const answer = await clone.invoke();
  const tookMs = performance.now() - startMs;
  if (answer !== "ok") throw new Error(JSON.stringify(answer));
  await clone.destroy();
  return tookMs;
}

async function measureSubject(builds: readonly Build[], subject: string, statement: string): Promise<Series[]> {
  const runtime = readFileSync(join(REPOSITORY, "tests/engines/programs/runtime.py"), "utf8");
  const program = `${runtime}\n${statement}\nserve(lambda: "ok")\n`;
  const subjects: {
    build: Build;
    values: number[];
    original: TestClone;
    snapshot: Awaited<ReturnType<TestSandboxd["snapshot"]>>;
  }[] = [];
  for (const build of builds) {
    const original = await build.sandboxd.create(program);
    subjects.push({ build, values: [], original, snapshot: await build.sandboxd.snapshot(original) });
  }
  for (let round = -LEARNING; round < ROUNDS; round++) {
    for (const { build, snapshot, original, values } of subjects) {
      const tookMs = await restoreMs(build, snapshot, original);
      if (round >= 0) values.push(tookMs);
    }
  }
  return subjects.map(({ build, values }) => ({
    name: `${subject}${build.name}: restore and answer`,
    unit: "ms",
    values,
  }));
}

export async function measureTmp(): Promise<Series[]> {
  const base = process.env["THAW_BENCH_BASE"];
  const builds: Build[] = [];
  try {
    if (base !== undefined)
      builds.push({ name: ", the other build", sandboxd: await TestSandboxd.start({ binaries: base }) });
    builds.push({ name: "", sandboxd: await TestSandboxd.start() });
    const series: Series[] = [];
    for (const [subject, statement] of Object.entries(SUBJECTS))
      series.push(...(await measureSubject(builds, subject, statement)));
    return series;
  } finally {
    for (const { sandboxd } of builds) await sandboxd.remove();
  }
}
