import { defineConfig } from "vitest/config";

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
      {
        test: {
          name: "system",
          include: ["tests/**/*.test.ts"],
          exclude: ["tests/bench/**", "tests/control/**"],
          globalSetup: ["tests/support/leak-check.ts"],
          // One server at a time: the figures of a restore and the limits of the host are shared.
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
