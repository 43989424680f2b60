/**
 * The source of each setting: the command line, else its variable, else the configuration file, else the variables
 * of AWS's tools that mean the same, else the default.
 */
import { parseArgs } from "node:util";
import { type FileSetting, readConfigFile } from "./config-file.ts";
import type { OptionDeclaration } from "./declaration.ts";
import { CONFIG_FLAG, CONFIG_VARIABLE, type OptionKey, OPTIONS, type OptionValues } from "./table.ts";
import { SERVE_USAGE } from "./usage.ts";
import { nearest } from "./nearest.ts";
import { UsageError } from "./usage-error.ts";

export type Env = Readonly<Record<string, string | undefined>>;

export interface Settings {
  readonly values: OptionValues;
  /** Options of the command line without the configuration file's. */
  readonly argv: readonly string[];
  /**
   * Variables, and among them what the configuration file says: together with `argv` they are the same settings without
   * the file.
   */
  readonly env: Env;
}

type Flags = Readonly<Record<string, string | undefined>>;

/** Throws a UsageError when a setting is unknown or has another form. */
export function readSettings(argv: readonly string[], env: Env): Settings {
  const flags = readFlags(argv);
  const path = flags[CONFIG_FLAG] ?? env[CONFIG_VARIABLE];
  const file = path === undefined ? new Map<string, FileSetting>() : readConfigFile(path);
  const values = Object.fromEntries(
    Object.entries(OPTIONS).map(([key, option]) => [key, readValue(option, flags, env, file)]),
  ) as Record<OptionKey, unknown> as OptionValues;
  return { values, argv: withoutOption(argv, CONFIG_FLAG), env: withFile(env, file) };
}

function readFlags(argv: readonly string[]): Flags {
  const declared = Object.values<OptionDeclaration<unknown>>(OPTIONS).filter((option) => option.flag !== null);
  const options = Object.fromEntries(
    declared.map(({ name, isList }) => [name, { type: "string" as const, multiple: isList === true }]),
  );
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: { ...options, [CONFIG_FLAG]: { type: "string" } },
      strict: true,
      allowPositionals: false,
    });
    return withoutSecrets(
      declared,
      Object.fromEntries(
        Object.entries(values).map(([name, value]) => [name, Array.isArray(value) ? value.join("\n") : String(value)]),
      ),
    );
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`${(error as Error).message}${nearOption(argv, declared)}\n\n${SERVE_USAGE}`);
  }
}

/** The option that was meant by the first one that is none; empty where nothing is near. */
function nearOption(argv: readonly string[], declared: ReadonlyArray<OptionDeclaration<unknown>>): string {
  const names = [...declared.map(({ name }) => name), CONFIG_FLAG];
  const given = argv.flatMap((each) => /^--(?<name>[^=]+)/.exec(each)?.groups?.["name"] ?? []);
  const wrong = given.find((name) => !names.includes(name));
  const near = wrong === undefined ? null : nearest(wrong, names);
  return near === null ? "" : `. Did you mean --${near}?`;
}

function withoutSecrets(declared: ReadonlyArray<OptionDeclaration<unknown>>, flags: Flags): Flags {
  for (const { name, variable, secretIn } of declared) {
    const secret = secretIn?.(flags[name] ?? "") ?? null;
    if (secret === null) continue;
    throw new UsageError(
      `--${name}: every user of this host can read ${secret} in the command line. Put it into the variable ${variable}.`,
    );
  }
  return flags;
}

function readValue(
  option: OptionDeclaration<unknown>,
  flags: Flags,
  env: Env,
  file: ReadonlyMap<string, FileSetting>,
): unknown {
  const { name, variable, fallbacks = [], type } = option;
  const shown = option.flag === null ? variable : `--${name}`;
  if (flags[name] === "") throw new UsageError(`${shown} is empty: give a value, or leave it out`);
  const here = flags[name] ?? env[variable];
  if (here !== undefined) return type.parse(shown, here, process.cwd());
  const inFile = file.get(name);
  if (inFile !== undefined) return type.parse(inFile.place, inFile.text, null);
  const fallback = fallbacks.find((each) => env[each] !== undefined);
  if (fallback !== undefined) return type.parse(fallback, env[fallback] as string, process.cwd());
  return option.default === null ? null : type.parse(shown, option.default, process.cwd());
}

function withFile(env: Env, file: ReadonlyMap<string, FileSetting>): Env {
  const { [CONFIG_VARIABLE]: _, ...kept } = env;
  const added = Object.values<OptionDeclaration<unknown>>(OPTIONS).flatMap(({ name, variable }) => {
    const setting = file.get(name);
    return setting === undefined ? [] : [[variable, setting.text] as const];
  });
  return { ...Object.fromEntries(added), ...kept };
}

/** Options without one of them and its value. */
export function withoutOption(argv: readonly string[], name: string): string[] {
  const kept: string[] = [];
  for (let at = 0; at < argv.length; at++) {
    const arg = argv[at] as string;
    if (arg === `--${name}`) at++;
    else if (!arg.startsWith(`--${name}=`)) kept.push(arg);
  }
  return kept;
}
