/** The argument and the options that all commands for templates share. */
import type { Command } from "commander";

export function withTemplate(command: Command): Command {
  return command
    .argument("[template]", "SAM or CloudFormation template, or a folder with one (default: this folder)")
    .option("--stack-name <name>", "name of the stack (default: the folder's, or that of the CDK's or osls's stack)")
    .option("--parameter-overrides <name=value...>", "template parameters, in both forms of AWS's tools")
    .option("--env-vars <file>", "values of functions' variables, in the form of sam local")
    .option("--skip-unsupported", "deploy although parts of the template have no meaning here");
}
