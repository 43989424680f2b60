/**
 * Paths into events, as input paths and input transformers have them: names after dots or in brackets, numbers and `*`
 * in brackets. https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
 */
import { isMap } from "@thaw/installation/json-map";
import type { Json } from "../event-json.ts";

type Step = string | number | typeof ALL;

const ALL = Symbol("all");
const STEPS_MAX = 100;
/** One step: `.name`, `['name']`, `[0]`, `[*]`. */
const STEP = /\.([^.[\]'"*\s]+)|\[\s*(?:'([^']*)'|"([^"]*)"|(\d{1,9})|(\*))\s*\]/y;

export type JsonPath = readonly Step[];

/** Null where the text is no path that is known here. */
export function parseJsonPath(text: string): JsonPath | null {
  if (!text.startsWith("$")) return null;
  const steps: Step[] = [];
  let at = 1;
  while (at < text.length) {
    STEP.lastIndex = at;
    const found = STEP.exec(text);
    if (found === null || steps.length >= STEPS_MAX) return null;
    const [whole, name, single, double, index] = found;
    steps.push(name ?? single ?? double ?? (index === undefined ? ALL : Number(index)));
    at += whole.length;
  }
  return steps;
}

/** What the path leads to; undefined where there is nothing. A path with `*` leads to a list of all that it finds. */
export function valueAt(path: JsonPath, root: Json): Json | undefined {
  let found: readonly Json[] = [root];
  // Each value is found once at most: all steps together take no longer than a walk through the event.
  for (const step of path) found = found.flatMap((value) => stepInto(value, step));
  return path.includes(ALL) ? found : found[0];
}

function stepInto(value: Json, step: Step): readonly Json[] {
  if (step === ALL) return Array.isArray(value) ? value : isMap(value) ? Object.values(value) : [];
  const inner =
    typeof step === "number"
      ? Array.isArray(value)
        ? (value as readonly Json[])[step]
        : undefined
      : isMap(value) && Object.hasOwn(value, step)
        ? value[step]
        : undefined;
  return inner === undefined ? [] : [inner];
}
