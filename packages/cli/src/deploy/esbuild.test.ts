/** What is said where a bundle can't be made; bundles are made in tests/integration/dev-typescript.test.ts. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { bundle } from "./esbuild.ts";

it("says that the folder has gone, and not that its esbuild is broken", async () => {
  const root = mkdtempSync(join(tmpdir(), "dev-esbuild-"));
  onTestFinished(() => rmSync(root, { recursive: true }));
  const program = join(root, "node_modules/esbuild/bin/esbuild");
  mkdirSync(join(program, ".."), { recursive: true });
  writeFileSync(program, "\u007fELF");
  chmodSync(program, 0o755);
  const gone = join(root, "gone");
  await expect((async () => bundle(gone, { args: [] }, join(root, "to")))()).rejects.toThrow(`${gone} is not there`);
});
