import { defineConfig } from "vitest/config";

/** Two files at a time: they neither take all of the machine, nor look at all of it, nor measure. */
const BESIDE = [
  "tests/{engines,parity,scan,stores,worker}/**/*.test.ts",
  "tests/adversary/snapshot-files.test.ts",
  "tests/integration/{check,check-pairs,check-requests,clients,cli,connections,identity,java-clones,keys,logging}.test.ts",
  "tests/integration/{packaging,snapshot-store,store-crash,uniqueness,whole-memory,wrapper}.test.ts",
];
const SYSTEM = {
  globalSetup: ["tests/support/leak-check.ts"],
  testTimeout: 60_000,
  hookTimeout: 60_000,
};

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["packages/*/src/**/*.test.ts", "runtimes/**/*.test.ts", "tools/**/*.test.ts", "tests/control/**/*.test.ts"],
          testTimeout: 20_000,
        },
      },
      { test: { ...SYSTEM, name: "beside", include: BESIDE, maxWorkers: 2 } },
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
