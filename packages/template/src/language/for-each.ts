/**
 * Fn::ForEach of the transform AWS::LanguageExtensions: a loop in Conditions, Resources, Outputs or the properties of a
 * resource becomes what it stands for, before anything is evaluated.
 */
import type { Report } from "../problem.ts";
import { isScalar, isTemplateList, isTemplateMap, type TemplateMap, type TemplateValue } from "../value.ts";
import type { Evaluator } from "./evaluator.ts";
import { UNRESOLVED } from "./outcome.ts";

const PREFIX = "Fn::ForEach::";
/** Loops inside loops multiply. */
const ENTRIES_MAX = 10_000;

type Variables = ReadonlyMap<string, string>;

export class Loops {
  readonly #evaluator: Evaluator;
  readonly #report: Report;
  #entries = 0;

  /** The evaluator knows parameters and mappings: a collection may be one of them. */
  constructor(evaluator: Evaluator, report: Report) {
    this.#evaluator = evaluator;
    this.#report = report;
  }

  /** Unrolls the loops in a section, at any depth. */
  unroll(section: TemplateMap, place: string): TemplateMap {
    return this.#map(section, place, new Map());
  }

  #map(map: TemplateMap, place: string, variables: Variables): TemplateMap {
    const members: Record<string, TemplateValue> = {};
    for (const [key, value] of Object.entries(map)) {
      const at = `${place}.${key}`;
      if (key.startsWith(PREFIX)) this.#add(members, this.#loop(value, at, variables), at);
      else this.#add(members, { [fill(key, variables)]: this.#value(value, at, variables) }, at);
    }
    return members;
  }

  #value(value: TemplateValue, place: string, variables: Variables): TemplateValue {
    if (typeof value === "string") return fill(value, variables);
    if (isTemplateList(value)) return value.map((item, index) => this.#value(item, `${place}[${index}]`, variables));
    if (!isTemplateMap(value)) return value;
    const name = value["Ref"];
    const own = typeof name === "string" && Object.keys(value).length === 1 ? variables.get(name) : undefined;
    return own ?? this.#map(value, place, variables);
  }

  #loop(value: TemplateValue, place: string, variables: Variables): TemplateMap {
    const [identifier, collection, body] = isTemplateList(value) ? value : [];
    if (typeof identifier !== "string" || collection === undefined || !isTemplateMap(body)) {
      this.#report.error(place, "must be a list of an identifier, a collection and a map");
      return {};
    }
    const found = this.#evaluator.value(this.#value(collection, place, variables), place);
    if (found === UNRESOLVED) return {};
    if (!isTemplateList(found) || !found.every(isScalar)) {
      this.#report.error(place, "must go over a list of texts");
      return {};
    }
    const members: Record<string, TemplateValue> = {};
    for (const item of found.map(String)) {
      this.#entries += Object.keys(body).length;
      if (this.#entries > ENTRIES_MAX) {
        this.#report.error(place, `makes more than ${ENTRIES_MAX} parts`);
        break;
      }
      this.#add(members, this.#map(body, place, new Map([...variables, [identifier, item]])), place);
    }
    return members;
  }

  /** Nothing takes the place of another: of two with one name, one would not be deployed. */
  #add(members: Record<string, TemplateValue>, made: TemplateMap, place: string): void {
    for (const [key, value] of Object.entries(made)) {
      if (Object.hasOwn(members, key)) this.#report.error(place, `has ${key} twice`);
      members[key] = value;
    }
  }
}

/** `${X}` is the item, `&{X}` the item without what a logical id may not have. */
function fill(text: string, variables: Variables): string {
  let filled = text;
  for (const [name, value] of variables)
    filled = filled
      .replaceAll(`\${${name}}`, () => value)
      .replaceAll(`&{${name}}`, () => value.replace(/[^A-Za-z0-9]/g, ""));
  return filled;
}
