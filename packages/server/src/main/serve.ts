/**
 * `thaw serve`. As root it is the launcher: it starts sandboxd, and the server itself as an unprivileged user. As
 * anybody else it is the server, and uses the sandboxd whose socket `THAW_SANDBOXD` names.
 */
import { PROGRAM, VERSION } from "@thaw/installation";
import { ownVariables } from "./options/own-variables.ts";
import { toServeOptions } from "./options/serve-options.ts";
import { readSettings } from "./options/settings.ts";
import { SERVE_USAGE } from "./options/usage.ts";
import { UsageError } from "./options/usage-error.ts";

export async function main(argv: readonly string[]): Promise<void> {
  if (argv.includes("--help") || argv.includes("-h")) return void process.stdout.write(`${SERVE_USAGE}\n`);
  if (argv.includes("--version")) return void process.stdout.write(`${VERSION}\n`);
  const isRoot = process.geteuid?.() === 0;
  try {
    forgetOwnVariables(argv, isRoot);
    const settings = readSettings(argv, process.env);
    const options = toServeOptions(settings, isRoot);
    if (isRoot) {
      const { launch } = await import("./launcher.ts");
      await launch(options, settings);
    } else {
      const { runServer } = await import("./all-in-one.ts");
      await runServer(options);
    }
  } catch (error) {
    const text = error instanceof UsageError ? error.message : String((error as Error).stack ?? error);
    process.stderr.write(`thaw: ${text}\n`);
    // Not only exitCode: what was opened before it failed must not keep the process.
    process.exit(error instanceof UsageError ? 2 : 1);
  }
}

/** AWS's clients read their variables from the process itself. */
function forgetOwnVariables(argv: readonly string[], isRoot: boolean): void {
  const { listen } = toServeOptions(readSettings(argv, process.env), isRoot);
  const names = ownVariables(process.env, listen);
  if (names.length === 0) return;
  for (const name of names) delete process.env[name];
  process.stderr.write(
    `thaw: ${names.join(", ")} of this shell mean Thaw itself ('${PROGRAM} env'): its own calls to AWS do without them\n`,
  );
}

if (import.meta.main) await main(process.argv.slice(2));
