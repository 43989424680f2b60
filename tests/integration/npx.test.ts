/** `npx thaw serve &`: the pid that the shell has is npm's, and ending it ends the server. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "vitest";
import { REPOSITORY } from "../../tools/thaw-server.ts";

it("ends when npm gets SIGTERM, with all that it has started", async ({ expect }) => {
  const dataDir = mkdtempSync(join(tmpdir(), "thaw-npx-"));
  const args = ["thaw", "serve", "--listen", "127.0.0.1:0", "--data", dataDir, "--pool", "0"];
  const npm = spawn("npx", args, { cwd: REPOSITORY, stdio: ["ignore", "pipe", "pipe"] });
  try {
    let output = "";
    npm.stderr.on("data", (bytes: Buffer) => void (output += bytes.toString()));
    await new Promise<void>((resolve, reject) => {
      npm.stdout.on("data", (bytes: Buffer) => {
        output += bytes.toString();
        if (output.includes("thaw listening on")) resolve();
      });
      npm.once("exit", () => reject(new Error(output)));
    });
    npm.kill("SIGTERM");
    // The pipe is closed when the last process that could write to it has ended.
    await once(npm.stdout, "close");
    expect(npm.exitCode ?? npm.signalCode, output).not.toBeNull();
  } finally {
    npm.kill("SIGKILL");
    rmSync(dataDir, { recursive: true, force: true });
  }
});
