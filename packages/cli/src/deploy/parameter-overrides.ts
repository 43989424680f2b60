/**
 * Values of parameters as AWS's tools take them: `Name=Value`, `ParameterKey=Name,ParameterValue=Value`, several of
 * them in one argument, or `file://FILE` with JSON in one of the three forms of the AWS CLI.
 */
import { CommandError } from "@thaw/installation/command-error";
import { readUserText } from "@thaw/installation/user-text";

type Values = Readonly<Record<string, string>>;

const FILE = "file://";
const KEY = "ParameterKey=";
const VALUE = ",ParameterValue=";
const FORMS = "expected NAME=VALUE or ParameterKey=NAME,ParameterValue=VALUE";

/**
 * Reads the arguments. `declared`: names of the template's parameters, by which one argument that has several is told
 * from a value with blanks. Throws CommandError when an argument has another form.
 */
export function readParameterOverrides(given: readonly string[], declared: readonly string[]): Values {
  const values: Record<string, string> = {};
  for (const argument of given) {
    const pairs = argument.startsWith(FILE)
      ? readFile(argument.slice(FILE.length))
      : splitArgument(argument, new Set(declared)).map(readPair);
    for (const [name, value] of pairs) values[name] = value;
  }
  return values;
}

/** Splits at blanks, outside of quotes, behind which the name of a parameter follows. */
function splitArgument(argument: string, declared: ReadonlySet<string>): readonly string[] {
  const parts: string[] = [];
  for (const word of words(argument)) {
    const bare = word.trimStart();
    const name = bare.startsWith(KEY) ? bare.slice(KEY.length).split(",")[0] : bare.split("=")[0];
    if (parts.length === 0 || (word.includes("=") && declared.has(name ?? ""))) parts.push(word);
    else parts[parts.length - 1] += word;
  }
  return parts.map((part) => part.trim()).filter((part) => part !== "");
}

/** Words with the blanks before them; a quoted blank ends none. */
function words(text: string): readonly string[] {
  const found: string[] = [];
  let word = "";
  let quote = "";
  let isBlank = true;
  for (const letter of text) {
    const blank = quote === "" && /\s/.test(letter);
    if (blank && !isBlank) {
      found.push(word);
      word = "";
    }
    if (quote === "" && (letter === '"' || letter === "'")) quote = letter;
    else if (letter === quote) quote = "";
    isBlank = blank;
    word += letter;
  }
  return [...found, word];
}

function readPair(text: string): readonly [string, string] {
  const at = text.indexOf("=");
  const comma = text.indexOf(VALUE);
  if (text.startsWith(KEY) && comma !== -1)
    return [text.slice(KEY.length, comma), unquote(text.slice(comma + VALUE.length))];
  if (at < 1 || text.startsWith(KEY)) throw new CommandError(`--parameter-overrides ${text}: ${FORMS}`);
  return [text.slice(0, at), unquote(text.slice(at + 1))];
}

function unquote(text: string): string {
  const quote = text[0];
  return text.length > 1 && (quote === '"' || quote === "'") && text.endsWith(quote) ? text.slice(1, -1) : text;
}

function readFile(path: string): ReadonlyArray<readonly [string, string]> {
  let document: unknown;
  try {
    document = JSON.parse(readUserText(path));
  } catch (error) {
    throw new CommandError(`--parameter-overrides ${FILE}${path} can't be read: ${(error as Error).message}`);
  }
  if (Array.isArray(document)) return document.map((each) => readItem(each, path));
  const values = (document as { Parameters?: unknown } | null)?.Parameters ?? document;
  if (typeof values !== "object" || values === null) throw new CommandError(`${path}: ${FORMS}`);
  return Object.entries(values).map(([name, value]) => [name, String(value)]);
}

function readItem(item: unknown, path: string): readonly [string, string] {
  if (typeof item === "string") return readPair(item);
  const { ParameterKey: name, ParameterValue: value } = (item ?? {}) as Record<string, unknown>;
  if (typeof name !== "string" || value === undefined) throw new CommandError(`${path}: ${FORMS}`);
  return [name, String(value)];
}
