/** A real store of objects in a directory of its own, which goes with the test. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock, systemRandom } from "@thaw/server/testing/base";
import { openObjectDirectory } from "@thaw/server/testing/http";
import { onTestFinished } from "vitest";

export function openTestObjects({ bytesMax = 2 ** 30 }: { readonly bytesMax?: number } = {}) {
  const dir = mkdtempSync(join(tmpdir(), "thaw-objects-"));
  const open = () =>
    openObjectDirectory({
      dataDir: dir,
      scope: { accountId: "000000000000", region: "us-east-1" },
      bytesMax,
      clock: systemClock,
      random: systemRandom,
      onProblem: (what, error) => {
        throw new Error(what, { cause: error });
      },
    });
  const objects = open();
  onTestFinished(async () => {
    await objects.close();
    rmSync(dir, { recursive: true, force: true });
  });
  return { objects, dir, reopen: open };
}
