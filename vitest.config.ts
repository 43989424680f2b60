import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Neither needs a sandbox: fakes at the ports. */
const WITHOUT_SANDBOX = ["tests/control/**/*.test.ts", "tests/worker/**/*.test.ts"];
const SYSTEM_TESTS = globSync("tests/**/*.test.ts", {
  cwd: import.meta.dirname,
  exclude: ["tests/bench/**", ...WITHOUT_SANDBOX],
});

/**
 * A system test runs beside others, unless its first lines say why not: `// alone: REASON`, because it takes all of the
 * machine, looks at all of it, or measures. `// matrix: REASON` keeps it out of `npm test`: it goes over so many cases
 * of one kind that it takes minutes, and runs in `npm run matrix`. `// long: REASON` has it begun first, so that
 * nothing long is left over for one worker at the end.
 */
const MARK = /^\/\/ (alone|matrix|long):(.*)$/gm;
const marks = new Map(SYSTEM_TESTS.map((file) => [file, marksOf(file)]));
const alone = SYSTEM_TESTS.filter((file) => marks.get(file)?.includes("alone"));
const matrices = SYSTEM_TESTS.filter((file) => marks.get(file)?.includes("matrix"));

class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId }: TestSpecification): boolean =>
      [...marks].some(([file, found]) => found.includes("long") && moduleId.endsWith(`/${file}`));
    const sorted = await super.sort(files);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

/** The marks of a test file. Throws where one has no reason. */
function marksOf(file: string): string[] {
  const text = readFileSync(join(import.meta.dirname, file), "utf8");
  const head = text.slice(0, text.indexOf("\nimport "));
  return [...head.matchAll(MARK)].map(([, mark = "", reason = ""]) => {
    if (reason.trim().length < 10) throw new Error(`${file}: "// ${mark}:" needs a reason`);
    return mark;
  });
}

const SYSTEM = {
  globalSetup: ["tests/support/leak-check.ts"],
  // For what hangs alone: far above what the slowest one takes on a busy machine, with a dozen starts of the AWS CLI.
  testTimeout: 240_000,
  hookTimeout: 240_000,
};

/**
 * The same for tests that take a minute on a quiet machine: some were seen with five minutes on a busy one. What they
 * wait for has limits of its own, which tell what was waited for.
 */
const MATRIX = { testTimeout: 1_800_000, hookTimeout: 1_800_000 };

export default defineConfig({
  test: {
    sequence: { sequencer: LongFirst },
    // Longer than tests/support/leak-check.ts waits: vitest would end before it, with what it has found unsaid.
    teardownTimeout: 180_000,
    projects: [
      {
        test: {
          name: "unit",
          include: ["packages/*/src/**/*.test.ts", "runtimes/**/*.test.ts", "tools/**/*.test.ts", ...WITHOUT_SANDBOX],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          ...SYSTEM,
          name: "beside",
          include: SYSTEM_TESTS.filter((file) => !alone.includes(file) && !matrices.includes(file)),
          maxWorkers: 3,
        },
      },
      { test: { ...SYSTEM, ...MATRIX, name: "matrix", include: matrices, maxWorkers: 3 } },
      // One server at a time: the figures of a restore and the limits of the host are shared.
      { test: { ...SYSTEM, name: "system", include: alone, fileParallelism: false } },
    ],
  },
});
