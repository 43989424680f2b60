import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { gvisorState } from "./engines.ts";
import { ROOT } from "./index.ts";

/** As the script computes it, by its own line. */
function recipeOfScript(): string {
  const script = readFileSync(join(ROOT, "tools/install-gvisor.sh"), "utf8");
  const line = /^recipe=.*$/m.exec(script)?.[0] ?? "exit 1";
  return execFileSync("sh", ["-euc", `. tools/lib.sh\n${line}\necho "$recipe"`], { cwd: ROOT, encoding: "utf8" });
}

it("tells gVisor's runsc that is missing, built by another recipe, and as its script builds it", () => {
  const home = mkdtempSync(join(tmpdir(), "thaw-engines-"));
  onTestFinished(() => rmSync(home, { recursive: true }));
  const directory = join(home, "engines/gvisor");
  const state = (): string => gvisorState({ THAW_HOME: home });
  expect(state()).toBe("missing");
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, ".recipe"), recipeOfScript());
  expect(state()).toBe("missing");
  writeFileSync(join(directory, "runsc"), "");
  expect(state()).toBe("installed");
  writeFileSync(join(directory, ".recipe"), "0123456789abcdef\n");
  expect(state()).toBe("old");
  rmSync(join(directory, ".recipe"));
  expect(state()).toBe("old");
});
