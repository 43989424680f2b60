/**
 * `thaw serve`. As root it is the launcher: it starts sandboxd, and the server itself as an unprivileged user. As anybody else it is
 * the server, and uses the sandboxd whose socket `THAW_SANDBOXD` names.
 */
import { parseServeOptions } from "./options.ts";
import { UsageError } from "./usage-error.ts";

export async function main(argv: readonly string[]): Promise<void> {
  const isRoot = process.geteuid?.() === 0;
  try {
    const options = parseServeOptions(argv, process.env, isRoot);
    if (isRoot) {
      const { launch } = await import("./launcher.ts");
      await launch(options, argv);
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

if (import.meta.main) await main(process.argv.slice(2));
