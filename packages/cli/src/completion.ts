/** Completion scripts for shells, made of the commands as they are declared. */
import { type Command, Option } from "commander";
import { CommandError } from "@thaw/installation/command-error";

/** Words that may follow a path of commands. */
interface Words {
  /** Names of commands with blanks between, without the program's; empty: the program itself. */
  readonly path: string;
  readonly commands: ReadonlyArray<readonly [name: string, about: string]>;
  readonly options: ReadonlyArray<readonly [flag: string, about: string]>;
  /** Takes the name of a function, which the server is asked for. */
  readonly takesFunction: boolean;
}

const SHELLS = { bash, zsh, fish } as const;

/** Throws CommandError for a shell that is not known. `serveUsage`: the help of `thaw serve`, whose options it has. */
export function completionScript(shell: string, program: Command, serveUsage: string): string {
  if (!Object.hasOwn(SHELLS, shell))
    throw new CommandError(`completion ${shell}: expected ${Object.keys(SHELLS).join(", ")}`);
  const words = collect(program, "").map((each) =>
    each.path === "serve" ? { ...each, options: usageOptions(serveUsage) } : each,
  );
  return SHELLS[shell as keyof typeof SHELLS](words);
}

function collect(command: Command, path: string): Words[] {
  const shown = command
    .createHelp()
    .visibleCommands(command)
    .filter((each) => command.commands.includes(each));
  const commands = shown.map((each) => [each.name(), firstLine(each.description())] as const);
  const declared = [...command.options, new Option("--help", "help for the command")];
  const options = declared.map((option) => [option.long ?? option.short ?? "", firstLine(option.description)] as const);
  const below = shown.flatMap((each) => collect(each, path === "" ? each.name() : `${path} ${each.name()}`));
  const takesFunction = command.registeredArguments.some((argument) => argument.name() === "function");
  return [{ path, commands, options, takesFunction }, ...below];
}

/** Options and their first lines out of a text of help. */
function usageOptions(usage: string): ReadonlyArray<readonly [string, string]> {
  return usage.split("\n").flatMap((line) => {
    const [, flag, text = ""] = /^ {2}(--[a-z0-9-]+)(.{0,120})$/.exec(line) ?? [];
    if (flag === undefined) return [];
    return [[flag, text.split(/ {2,}/).at(-1)?.trim() ?? ""] as const];
  });
}

function firstLine(text: string): string {
  return text.split("\n")[0] ?? "";
}

/** Lists the names; nothing where no server answers. */
const NAMES = "thaw function-names 2>/dev/null";

function wordsOf({ commands, options }: Words): string {
  return [...commands, ...options].map(([word]) => word).join(" ");
}

/** Both read the commands that were typed so far, and offer files where nothing else fits. */
const BASH_PATH = `  local path="" word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$path $word" in
PATHS
    esac
  done`;

/** Options are words that begin with a dash: for one of them the server is not asked. */
function names({ takesFunction }: Words): string {
  return takesFunction ? ` $([[ \${COMP_WORDS[COMP_CWORD]} == -* ]] || ${NAMES})` : "";
}

function bash(words: readonly Words[]): string {
  const paths = words
    .filter(({ path }) => path !== "")
    .map(({ path }) => {
      const before = path.split(" ").slice(0, -1).join(" ");
      return `      "${before} ${path.split(" ").at(-1)}") path="${path}" ;;`;
    });
  const offers = words.map((each) => `    "${each.path}") offer="${wordsOf(each)}${names(each)}" ;;`);
  return `# bash: source <(thaw completion bash)
_thaw() {
${BASH_PATH.replace("PATHS", () => paths.join("\n"))}
  local offer=""
  case "$path" in
${offers.join("\n")}
  esac
  COMPREPLY=($(compgen -W "$offer" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _thaw thaw
`;
}

function zsh(words: readonly Words[]): string {
  const quote = (text: string): string => `'${text.replaceAll("'", "'\\''").replaceAll(":", "\\:")}'`;
  const described = (pairs: Words["commands"]): string =>
    pairs.map(([word, about]) => `${quote(word)}':'${quote(about)}`).join(" ");
  const paths = words
    .filter(({ path }) => path !== "")
    .map(({ path }) => {
      const before = path.split(" ").slice(0, -1).join(" ");
      return `      "${before} ${path.split(" ").at(-1)}") place="${path}" ;;`;
    });
  const offers = words.map(
    (each) =>
      `    "${each.path}") offer=(${described([...each.commands, ...each.options])}${each.takesFunction ? ` \${(f)"$(${NAMES})"}` : ""}) ;;`,
  );
  return `#compdef thaw
# zsh: thaw completion zsh > "\${fpath[1]}/_thaw"
_thaw() {
  local place="" word
  local -a offer
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$place $word" in
${paths.join("\n")}
    esac
  done
  case "$place" in
${offers.join("\n")}
  esac
  _describe thaw offer || _files
}
if [ "$funcstack[1]" = "_thaw" ]; then _thaw "$@"; else compdef _thaw thaw; fi
`;
}

function fish(words: readonly Words[]): string {
  const quote = (text: string): string => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
  const lines = words.flatMap(({ path, commands, options, takesFunction }) => {
    const condition = path === "" ? "__fish_use_subcommand" : conditionOf(words, path);
    const head = `complete -c thaw -n ${quote(condition)}`;
    return [
      ...(takesFunction ? [`${head} -f -a ${quote(`(${NAMES})`)}`] : []),
      ...commands.map(([name, about]) => `${head} -f -a ${quote(name)} -d ${quote(about)}`),
      ...options.map(([flag, about]) => `${head} -l ${quote(flag.replace(/^-+/, ""))} -d ${quote(about)}`),
    ];
  });
  return `# fish: thaw completion fish > ~/.config/fish/completions/thaw.fish\n${lines.join("\n")}\n`;
}

/** True behind these commands, and before another one below them. */
function conditionOf(words: readonly Words[], path: string): string {
  const seen = path.split(" ").map((name) => `__fish_seen_subcommand_from ${name}`);
  const below = words.find((each) => each.path === path)?.commands.map(([name]) => name) ?? [];
  const none = below.length === 0 ? [] : [`not __fish_seen_subcommand_from ${below.join(" ")}`];
  return [...seen, ...none].join("; and ");
}
