/** The manual page thaw(1), made of the help of all commands. */
import type { Command } from "commander";
import { VERSION } from "@thaw/installation";

const FILES: ReadonlyArray<readonly [path: string, about: string]> = [
  ["/etc/default/thaw", "settings of the service"],
  ["/var/lib/thaw", "languages for functions, and the data of the service"],
  ["/usr/share/doc/thaw", "guides and references"],
];

/** `serveUsage`: the help of `thaw serve`, which is a program of its own. */
export function manPage(program: Command, serveUsage: string): string {
  const shown = program
    .createHelp()
    .visibleCommands(program)
    .filter((each) => program.commands.includes(each));
  const sections = shown.flatMap((command) => sectionsOf(command, "thaw", serveUsage));
  const files = FILES.map(([path, about]) => `.TP\n${path}\n${about}`);
  return [
    `.TH THAW 1 "" "thaw ${VERSION}" "User Commands"`,
    ".SH NAME\nthaw \\- AWS Lambda SnapStart, self\\-hosted",
    ".SH SYNOPSIS\n.B thaw\n[\\fIoptions\\fR] \\fIcommand\\fR [\\fIarguments\\fR]",
    `.SH DESCRIPTION\n${verbatim(helpOf(program))}`,
    `.SH COMMANDS\n${sections.join("\n")}`,
    `.SH FILES\n${files.join("\n")}\n`,
  ].join("\n");
}

function sectionsOf(command: Command, above: string, serveUsage: string): readonly string[] {
  const name = `${above} ${command.name()}`;
  const text = name === "thaw serve" ? serveUsage : helpOf(command);
  const below = command.commands.flatMap((each) => sectionsOf(each, name, serveUsage));
  return [`.SS ${name}\n${verbatim(text)}`, ...below];
}

/** The help with the texts that stand around it. */
function helpOf(command: Command): string {
  let text = "";
  command.configureOutput({ writeOut: (part) => void (text += part), getOutHelpWidth: () => 90 });
  command.outputHelp();
  return text.trimEnd();
}

/** Keeps lines as they are. Backslashes, and points at the beginning of a line, mean something to roff. */
function verbatim(text: string): string {
  const lines = text.replaceAll("\\", "\\e").replaceAll("-", "\\-").split("\n");
  return `.nf\n${lines.map((line) => (/^[.']/.test(line) ? `\\&${line}` : line)).join("\n")}\n.fi`;
}
