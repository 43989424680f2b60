/**
 * What is left to Node.js as root: the companion, and installs of the runtimes that the server asks for. The launcher
 * starts it before the rest, and ends it after.
 *
 * Standard input is the socket that the server asks over; "helper ready" goes to standard output.
 */
import { Socket } from "node:net";
import { join } from "node:path";
import { ROOT } from "@thaw/installation";
import { systemClock as clock, keepProcess } from "../base/clock.ts";
import { type CompanionProcess, startCompanion } from "./companion.ts";
import { fail } from "./fail.ts";
import { companionUid } from "./host-users.ts";
import { type ServeOptions, toServeOptions } from "./options/serve-options.ts";
import { readSettings } from "./options/settings.ts";
import { RuntimeInstalls } from "./runtime-installs.ts";

const onNote = (line: string): void => void process.stderr.write(`thaw: ${line}\n`);

/** Null where none is asked for. Throws a UsageError where it can't be started. */
async function companionFor(options: ServeOptions): Promise<CompanionProcess | null> {
  const { companion, accountId, thawHome, serverUid } = options;
  if (companion === null) return null;
  return startCompanion({ companion, accountId, thawHome, uid: companionUid(serverUid), clock, onNote });
}

/** Null where nothing is to be installed. */
function installsFor({ installRuntimes }: ServeOptions): RuntimeInstalls | null {
  if (installRuntimes === "never") return null;
  return new RuntimeInstalls(new Socket({ fd: 0 }), { script: join(ROOT, "tools/install-runtime.sh"), clock, onNote });
}

async function main(argv: readonly string[]): Promise<void> {
  const options = toServeOptions(readSettings(argv, process.env), true);
  const companion = await companionFor(options);
  const installs = installsFor(options);
  process.once("SIGTERM", () => {
    void (async () => {
      await installs?.close();
      await companion?.close();
      process.exit();
    })();
  });
  // Moto is down for a while before it is started again.
  keepProcess();
  process.stdout.write("helper ready\n");
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  fail(error);
}
