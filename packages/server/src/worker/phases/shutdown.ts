/**
 * The Shutdown phase: everything of the environment ends. Without extensions AWS gives it no time: the processes are
 * killed at once. The budget of extensions, SIGTERM to the runtime and their SHUTDOWN event belong here.
 */
import type { EnvironmentCore } from "../core/core.ts";

export async function runShutdown(core: EnvironmentCore): Promise<void> {
  for (const event of core.inbox.drain()) {
    if (event.kind === "invoke") event.request.reply({ kind: "gone" });
  }
  core.log.flushOutput();
  await core.destroySandbox();
}
