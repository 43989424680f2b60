/**
 * `thaw serve`. As root it becomes the launcher, which starts sandboxd, and the server as an unprivileged user. As
 * anybody else it is the server, and uses the sandboxd whose socket `THAW_SANDBOXD` names.
 */
import { PROGRAM, VERSION } from "@thaw/installation";
import { fail } from "./fail.ts";
import { ownVariables } from "./options/own-variables.ts";
import { toServeOptions } from "./options/serve-options.ts";
import { readSettings } from "./options/settings.ts";
import { SERVE_USAGE } from "./options/usage.ts";

/** `bundle`: what this was loaded from, where the caller has just found it to be current. */
export async function main(argv: readonly string[], bundle: string | null = null): Promise<void> {
  if (argv.includes("--help") || argv.includes("-h")) return void process.stdout.write(`${SERVE_USAGE}\n`);
  if (argv.includes("--version")) return void process.stdout.write(`${VERSION}\n`);
  const isRoot = process.geteuid?.() === 0;
  try {
    forgetOwnVariables(argv, isRoot);
    const settings = readSettings(argv, process.env);
    const options = toServeOptions(settings, isRoot);
    if (isRoot) {
      const { launch } = await import("./launcher.ts");
      launch(options, settings, bundle);
    } else {
      const { runServer } = await import("./all-in-one.ts");
      await runServer(options);
    }
  } catch (error) {
    fail(error);
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
