/**
 * The configuration file: YAML with one setting on a line, its key the flag's name without dashes.
 *
 * ```yaml
 * listen: 127.0.0.1:9000
 * environments-max: 200
 * file-system:
 *   - arn:aws:elasticfilesystem:…=/srv/shared
 * ```
 * Everything is read as text: YAML's own types would turn an account id of zeros into 0.
 */
import { readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import type * as Yaml from "yaml";
import type { Node } from "yaml";
import { nearest } from "./nearest.ts";
import type { OptionDeclaration } from "./declaration.ts";
import { OPTIONS } from "./table.ts";
import { UsageError } from "./usage-error.ts";

export interface FileSetting {
  readonly text: string;
  /** File, line and key, as errors name the setting. */
  readonly place: string;
}

const BY_NAME = new Map<string, OptionDeclaration<unknown>>(
  Object.values(OPTIONS).map((option) => [option.name, option]),
);

/** Loads the reader with the first file: most servers have none, and the launcher would load it twice. */
function loadYaml(): typeof Yaml {
  return createRequire(import.meta.url)("yaml") as typeof Yaml;
}

/**
 * Reads the settings of a configuration file, by the name of their option.
 *
 * @throws UsageError when the file can't be read, is no YAML mapping, has a key that is no setting or a value that is
 * no text, or holds a secret and every user of the host may read it.
 */
export function readConfigFile(path: string): ReadonlyMap<string, FileSetting> {
  const { isMap, isScalar, LineCounter, parseDocument } = loadYaml();
  const lines = new LineCounter();
  const document = parseDocument(readText(path), { schema: "failsafe", lineCounter: lines, prettyErrors: false });
  const placeOf = (offset: number): string => `${path}:${lines.linePos(offset).line}`;
  const [broken] = document.errors;
  if (broken !== undefined) throw new UsageError(`${placeOf(broken.pos[0])}: ${broken.message}`);
  const settings = new Map<string, FileSetting>();
  if (document.contents === null) return settings;
  if (!isMap(document.contents)) throw new UsageError(`${path}: expected lines of the form KEY: VALUE`);
  for (const { key, value } of document.contents.items) {
    if (!isScalar(key)) throw new UsageError(`${path}: a key that is no text`);
    const name = String(key.value);
    const place = placeOf(key.range?.[0] ?? 0);
    const option = findOption(place, name);
    const text = readValue(`${place}: ${name}`, option, value as Node | null);
    settings.set(name, { text, place: `${place}: ${name}` });
    const isSecret = option.isSecret === true || (option.secretIn?.(text) ?? null) !== null;
    if (isSecret && (statSync(path).mode & 0o004) !== 0)
      throw new UsageError(`${place}: ${name} is a secret, and every user can read this file. Run: chmod 600 ${path}`);
  }
  return settings;
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new UsageError(`--config ${path} can't be read: ${(error as Error).message}`);
  }
}

function findOption(place: string, name: string): OptionDeclaration<unknown> {
  const option = BY_NAME.get(name);
  if (option !== undefined) return option;
  const near = nearest(name, [...BY_NAME.keys()]);
  throw new UsageError(`${place}: ${name} is no setting${near === null ? "" : `; did you mean ${near}?`}`);
}

function readValue(place: string, option: OptionDeclaration<unknown>, value: Node | null): string {
  if (option.isList === true && loadYaml().isSeq(value))
    return value.items.map((item) => readScalar(place, item as Node)).join("\n");
  return readScalar(place, value);
}

function readScalar(place: string, value: Node | null): string {
  if (!loadYaml().isScalar(value) || value.value === "" || value.value === null)
    throw new UsageError(`${place}: expected a value`);
  return String(value.value);
}
