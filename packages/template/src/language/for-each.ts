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
/** Characters of all texts and names that loops make: four templates of AWS's largest size. Each value counts, too. */
const MADE_MAX = 4 * 1024 * 1024;
const VALUE_CHARACTERS = 16;

type Variables = ReadonlyMap<string, string>;

export class Loops {
  readonly #evaluator: Evaluator;
  readonly #report: Report;
  #entries = 0;
  /** Negative: too much was made, which is reported once. */
  #left = MADE_MAX;

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
    const members = new Map<string, TemplateValue>();
    for (const [key, value] of Object.entries(map)) {
      const at = `${place}.${key}`;
      if (key.startsWith(PREFIX)) this.#add(members, this.#loop(value, at, variables), at);
      else this.#add(members, { [this.#fill(key, at, variables)]: this.#value(value, at, variables) }, at);
    }
    return Object.fromEntries(members);
  }

  #value(value: TemplateValue, place: string, variables: Variables): TemplateValue {
    if (typeof value === "string") return this.#fill(value, place, variables);
    if (variables.size > 0 && !this.#mayMake(VALUE_CHARACTERS, place)) return null;
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
    const members = new Map<string, TemplateValue>();
    for (const item of found.map(String)) {
      this.#entries += Object.keys(body).length;
      if (this.#entries > ENTRIES_MAX) {
        this.#report.error(place, `makes more than ${ENTRIES_MAX} parts`);
        break;
      }
      if (this.#left < 0) break;
      this.#add(members, this.#map(body, place, new Map([...variables, [identifier, item]])), place);
    }
    return Object.fromEntries(members);
  }

  /** Nothing takes the place of another: of two with one name, one would not be deployed. */
  #add(members: Map<string, TemplateValue>, made: TemplateMap, place: string): void {
    for (const [key, value] of Object.entries(made)) {
      if (members.has(key)) this.#report.error(place, `has ${key} twice`);
      members.set(key, value);
    }
  }

  /** `${X}` is the item, `&{X}` the item without what a logical id may not have. */
  #fill(text: string, place: string, variables: Variables): string {
    if (variables.size === 0) return text;
    let filled = text;
    for (const [name, value] of variables) {
      filled = this.#replace(filled, `\${${name}}`, value, place);
      filled = this.#replace(filled, `&{${name}}`, value.replace(/[^A-Za-z0-9]/g, ""), place);
    }
    return this.#mayMake(VALUE_CHARACTERS + filled.length, place) ? filled : "";
  }

  #replace(text: string, variable: string, value: string, place: string): string {
    const parts = text.split(variable);
    const characters = text.length + (parts.length - 1) * value.length;
    if (characters > this.#left) this.#mayMake(characters, place);
    return this.#left < 0 ? "" : parts.join(value);
  }

  #mayMake(characters: number, place: string): boolean {
    if (this.#left >= 0 && characters > this.#left) this.#report.error(place, `makes more than ${MADE_MAX} characters`);
    this.#left -= characters;
    return this.#left >= 0;
  }
}
