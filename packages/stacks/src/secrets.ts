/**
 * Values of NoEcho parameters in what is stored: marks with the parameter's name and a keyed digest. The runner fills
 * them in just before a handler is called.
 */
import { hasMark, mark, replaceMarks } from "@thaw/template/marks";
import type { TemplateMap, TemplateValue } from "@thaw/template/value";
import { mapScalars } from "./values.ts";

/** A plain value: of a list parameter, one of its items. */
export interface Secret {
  readonly name: string;
  readonly digest: string;
  readonly value: string;
}

export const HIDDEN = "****";
/** No parameter's name has a blank, nor has a digest. */
const KEY = /^noecho ([^ ]*) ([^ ]*)$/;

/** Stands for a secret in texts. */
export function secretMark({ name, digest }: Secret): string {
  return mark(`noecho ${name} ${digest}`);
}

export function hasSecret(text: string): boolean {
  return hasMark(text);
}

/** Puts plain values in the place of marks. `find` gives the value, or throws. */
export function fillSecrets(value: TemplateMap, find: (name: string, digest: string) => string): TemplateMap {
  return replaceIn(value, (key) => {
    const [, name = "", digest = ""] = KEY.exec(key) ?? [];
    return find(name, digest);
  });
}

/** Shows marks as `****`. */
export function hideSecrets<T extends TemplateValue>(value: T): T {
  return replaceIn(value, () => HIDDEN);
}

function replaceIn<T extends TemplateValue>(value: T, replace: (key: string) => string): T {
  return mapScalars(value, (each) => (typeof each === "string" && hasMark(each) ? replaceMarks(each, replace) : each));
}
