import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Some files at a time: they neither take all of the machine, nor look at all of it, nor measure. */
const BESIDE = [
  "tests/{engines,faults,parity,scan,stores,worker}/**/*.test.ts",
  "tests/adversary/{crash-safety,pager,server,snapshot-files,terminated}.test.ts",
  "tests/integration/{backup,check,check-pairs,check-requests,clients,cli,connections,crash,hooks,identity,java-clones,keys}.test.ts",
  "tests/integration/{logging,operations,packaging,snapshot-store,store-crash,uniqueness,whole-memory,wrapper}.test.ts",
];
/** Minutes each: begun first, so that nothing long is left over for one worker at the end. */
const LONG = [
  "faults/faults",
  "integration/snapshot-store",
  "integration/uniqueness",
  "integration/check-pairs",
  "engines/state-modes",
];

class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const index = LONG.findIndex((name) => moduleId.endsWith(`/${name}.test.ts`));
      return index === -1 ? LONG.length : index;
    };
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b));
  }
}

const SYSTEM = {
  globalSetup: ["tests/support/leak-check.ts"],
  testTimeout: 60_000,
  hookTimeout: 60_000,
};

export default defineConfig({
  test: {
    sequence: { sequencer: LongFirst },
    projects: [
      {
        test: {
          name: "unit",
          include: [
            "packages/*/src/**/*.test.ts",
            "runtimes/**/*.test.ts",
            "tools/**/*.test.ts",
            "tests/control/**/*.test.ts",
          ],
          testTimeout: 20_000,
        },
      },
      { test: { ...SYSTEM, name: "beside", include: BESIDE, maxWorkers: 3 } },
      {
        test: {
          ...SYSTEM,
          name: "system",
          include: ["tests/**/*.test.ts"],
          exclude: ["tests/bench/**", "tests/control/**", ...BESIDE],
          // One server at a time: the figures of a restore and the limits of the host are shared.
          fileParallelism: false,
        },
      },
    ],
  },
});
