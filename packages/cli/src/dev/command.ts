/** The command `thaw dev`. */
import type { Command } from "commander";
import { CommandError } from "@thaw/installation/command-error";
import type { Connection } from "../connection.ts";
import { withTemplate } from "../deploy/with-template.ts";
import type { DevOptions } from "./dev.ts";

export function addDevCommand(program: Command, connect: () => Connection): void {
  withTemplate(program.command("dev"))
    .option("--delete-on-exit", "delete the stack at the end, also one that was there before")
    .option("--no-delete-on-exit", "keep the stack at the end (default: it is deleted where this command has made it)")
    .option("--debug <function>", "attach a debugger to this function of the template: docs/guides/dev.md")
    .option("--debug-port <port>", "port of this host for the debugger, 0 for a free one (default: the language's own)")
    .description("deploy a template as NAME-dev, put each save of its code into the functions, and show their invokes")
    .action(async (template: string | undefined, options: DevOptions, command: Command) => {
      if (command.optsWithGlobals()["json"] === true) throw new CommandError("dev is for people: it has no --json");
      const { dev } = await import("./dev.ts");
      await dev(connect(), template, options);
    });
}
