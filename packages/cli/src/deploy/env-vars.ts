/** Reads the file of `--env-vars`: values for variables of functions, in the form of `sam local`. */
import { isMap } from "@thaw/installation/json-map";
import { CommandError } from "@thaw/installation/command-error";
import { readUserText } from "@thaw/installation/user-text";
import type { EnvironmentOverrides } from "@thaw/template/environment-overrides";

const FORM = 'expected {"FUNCTION": {"VARIABLE": "value"}}, or "Parameters" for all functions';

/** Throws CommandError when the file can't be read, or has another form. */
export function readEnvVars(path: string): EnvironmentOverrides {
  let document: unknown;
  try {
    document = JSON.parse(readUserText(path));
  } catch (error) {
    throw new CommandError(`--env-vars ${path} can't be read: ${(error as Error).message}`);
  }
  if (!isMap(document)) throw new CommandError(`--env-vars ${path}: ${FORM}`);
  return Object.fromEntries(
    Object.entries(document).map(([key, variables]) => {
      if (!isMap(variables)) throw new CommandError(`--env-vars ${path}: ${key}: ${FORM}`);
      return [
        key,
        Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, toText(path, name, value)])),
      ];
    }),
  );
}

function toText(path: string, name: string, value: unknown): string {
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return String(value);
  throw new CommandError(`--env-vars ${path}: the value of ${name} must be a text`);
}
