/** `thaw serve --help`, from the table of options. */
import type { OptionDeclaration } from "./declaration.ts";
import { CONFIG_VARIABLE, OPTIONS } from "./table.ts";

const COLUMN = 28;
const WIDTH = 120;
/** Units that the sentence does not already name. */
const SHOWN_UNITS = new Set(["s", "MiB", "%"]);

function describeOption(option: OptionDeclaration<unknown>): string {
  const { unit } = option;
  const value = `${option.default}${unit !== null && SHOWN_UNITS.has(unit) ? ` ${unit}` : ""}`;
  return line(`--${option.name} ${option.flag}`, `${option.help} (${option.defaultText ?? value})`);
}

/** Writes an option and its sentence, wrapped at spaces to the width of the text. */
function line(option: string, sentence: string): string {
  const rows = [""];
  for (const word of sentence.split(" ")) {
    const row = rows.at(-1) as string;
    if (COLUMN + row.length + word.length + 1 > WIDTH) rows.push(word);
    else rows[rows.length - 1] = row === "" ? word : `${row} ${word}`;
  }
  const head = `  ${option}`;
  const first = head.length < COLUMN ? head.padEnd(COLUMN) : `${head}\n${" ".repeat(COLUMN)}`;
  return `${first}${rows.join(`\n${" ".repeat(COLUMN)}`)}`;
}

const CONFIG_HELP = `settings as YAML, one on a line (pool: 5), keys as below without the dashes; also ${CONFIG_VARIABLE} (none)`;
const FLAGS = Object.values<OptionDeclaration<unknown>>(OPTIONS).filter((option) => option.flag !== null);
const OTHERS = Object.values<OptionDeclaration<unknown>>(OPTIONS).filter((option) => option.flag === null);

export const SERVE_USAGE = `Usage: thaw serve [options]
${line("--config FILE", CONFIG_HELP)}
${FLAGS.map(describeOption).join("\n")}
  --help, --version

Each option has a variable (--snapshot-idle: THAW_SNAPSHOT_IDLE). The command line wins, then the variable, then the file.
These have no flag, but a variable and a key in the file:
${OTHERS.map((option) => line(option.variable, `${option.help} (${option.defaultText ?? option.default})`)).join("\n")}

Traces go to OTEL_EXPORTER_OTLP_ENDPOINT where that is set (OTLP over HTTP, JSON).

Examples:
  thaw serve
  thaw serve --listen 127.0.0.1:9100 --data /srv/thaw
  thaw serve --companion moto
  thaw serve --config /etc/thaw.yaml`;
