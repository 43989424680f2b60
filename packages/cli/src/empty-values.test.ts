import { Command } from "commander";
import { expect, it } from "vitest";
import { refuseEmpty } from "./empty-values.ts";

/** What a call with these words says; "run": it is carried out. */
async function call(...words: readonly string[]): Promise<string> {
  let said = "";
  const quiet = (command: Command): Command =>
    command.exitOverride().configureOutput({ writeErr: (text) => void (said += text) });
  const program = quiet(new Command("thaw")).option("--region <name>").hook("preAction", refuseEmpty);
  const stop = quiet(program.command("stop"));
  stop
    .option("--function <name>")
    .option("--tag <tag...>")
    .action(() => void (said = "run"));
  const invoke = quiet(program.command("invoke"));
  invoke.argument("<function>").argument("[payload]", "", "{}").argument("[more...]");
  invoke.action(() => void (said = "run"));
  await program.parseAsync(["node", "thaw", ...words]).catch(() => undefined);
  return said.trim();
}

it.for([
  [["stop", "--function", ""], "error: --function is empty: give a value, or leave it out"],
  [["stop", "--function="], "error: --function is empty: give a value, or leave it out"],
  [["stop", "--tag", "a", ""], "error: --tag is empty: give a value, or leave it out"],
  [["--region", "", "stop"], "error: --region is empty: give a value, or leave it out"],
  [["invoke", ""], "error: <function> is empty"],
  [["invoke", "f", "{}", "a", ""], "error: <more> is empty: give one, or leave it out"],
  [["invoke", "f", ""], "run"],
  [["stop"], "run"],
  [["stop", "--function", " "], "run"],
] as const)("%s", async ([words, says]) => {
  expect(await call(...words)).toBe(says);
});
