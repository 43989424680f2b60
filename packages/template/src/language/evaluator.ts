/**
 * Evaluates the functions of the template language. Pure: names come from a Scope, findings go to a Report. Of `Fn::If`
 * only the branch that is taken is evaluated.
 *
 * The scope decides what is known: it may answer UNRESOLVED for a value that is known after a resource was made, so
 * that the same evaluation serves a plan and a stack.
 */
import { hasMark } from "../marks.ts";
import type { Report } from "../problem.ts";
import { isCall, isScalar, isTemplateList, isTemplateMap, type TemplateMap, type TemplateValue } from "../value.ts";
import { splitBlock } from "./cidr.ts";
import { dynamicReference } from "./dynamic-reference.ts";
import { type Outcome, UNRESOLVED, type Unresolved } from "./outcome.ts";
import { substitute } from "./substitute.ts";

export interface Scope {
  readonly region: string;
  readonly mappings: { readonly [name: string]: TemplateMap };
  /** `Ref`: a parameter, a pseudo parameter or a resource. Reports what it can't resolve. */
  refer(name: string, place: string): Outcome;
  /** `Fn::GetAtt`. Reports what it can't resolve. */
  attribute(logicalId: string, attribute: string, place: string): Outcome;
  /** A condition of the template. Reports what it can't resolve. */
  condition(name: string, place: string): boolean | Unresolved;
  /** `Fn::ImportValue`. Reports what it can't resolve. Absent: there are no other stacks. */
  importValue?(name: string, place: string): Outcome;
  /** Stands for an unresolved member of a map or list. Absent: it is left out. */
  readonly placeholder?: TemplateValue;
  /** True: dynamic references stay as they are, for whoever applies the value resolves them. */
  readonly keepsDynamicReferences?: boolean;
  /** Says whether a text stands for one that must not be looked into. */
  isSecret?(text: string): boolean;
}

type Call = (argument: TemplateValue, place: string) => Outcome;
type Truth = boolean | Unresolved;

/** Functions that are no pure ones: they need what an account has. */
const IMPORT = "Fn::ImportValue";
const FOREIGN: Readonly<Record<string, string>> = {
  [IMPORT]: "needs the export of another stack, which Thaw does not have",
  "Fn::Transform": "runs a macro, which Thaw does not have",
  "Fn::RefAll": "needs what an account has",
  "Fn::ValueOf": "needs what an account has",
  "Fn::ValueOfAll": "needs what an account has",
};
/**
 * Characters that the functions of one value, or of one resource, make together: a text may stand in itself many times,
 * as often as two to the power of its depth.
 */
const MADE_MAX = 8 * 1024 * 1024;
const CONDITIONS_MIN = 2;
const CONDITIONS_MAX = 10;

export class Evaluator {
  readonly #scope: Scope;
  readonly #report: Report;
  /** Counts what was found unresolved, so that a function can tell whether its argument is whole. */
  #unresolved = 0;
  /** Characters that functions may still make; negative: they have made too many, which is reported once. */
  #left = MADE_MAX;
  readonly #calls: Readonly<Record<string, Call>> = {
    Ref: (argument, place) => this.#refer(argument, place),
    "Fn::GetAtt": (argument, place) => this.#attribute(argument, place),
    "Fn::Sub": (argument, place) => this.#substitute(argument, place),
    "Fn::Join": (argument, place) => this.#join(argument, place),
    "Fn::Select": (argument, place) => this.#select(argument, place),
    "Fn::Split": (argument, place) => this.#split(argument, place),
    "Fn::FindInMap": (argument, place) => this.#findInMap(argument, place),
    "Fn::If": (argument, place) => this.#if(argument, place),
    "Fn::Base64": (argument, place) => this.#base64(argument, place),
    "Fn::Cidr": (argument, place) => this.#cidr(argument, place),
    "Fn::GetAZs": (argument, place) => this.#zones(argument, place),
    "Fn::ImportValue": (argument, place) => this.#import(argument, place),
    "Fn::Length": (argument, place) => this.#length(argument, place),
    "Fn::ToJsonString": (argument, place) => this.#toJson(argument, place),
  };
  readonly #tests: Readonly<Record<string, (argument: TemplateValue, place: string) => Truth>> = {
    Condition: (argument, place) => this.#condition(argument, place),
    "Fn::Equals": (argument, place) => this.#equals(argument, place),
    "Fn::Not": (argument, place) => this.#not(argument, place),
    "Fn::And": (argument, place) => this.#several("Fn::And", argument, place, false),
    "Fn::Or": (argument, place) => this.#several("Fn::Or", argument, place, true),
    "Fn::Contains": (argument, place) => this.#contains(argument, place),
    "Fn::EachMemberEquals": (argument, place) => this.#eachEquals(argument, place),
    "Fn::EachMemberIn": (argument, place) => this.#eachIn(argument, place),
  };

  constructor(scope: Scope, report: Report) {
    this.#scope = scope;
    this.#report = report;
  }

  /** Evaluates a value. In maps and lists, members that are absent or unresolved are left out. */
  value(value: TemplateValue, place: string): Outcome {
    if (isTemplateList(value))
      return value
        .map((item, index) => this.#member(this.value(item, `${place}[${index}]`)))
        .filter((item): item is TemplateValue => item !== undefined);
    if (isCall(value)) return this.#call(value, place);
    if (isTemplateMap(value)) return this.#members(value, place);
    return typeof value === "string" ? this.#text(value, place) : value;
  }

  /** Evaluates a condition: a name, or one of the functions that make truth values. */
  truth(value: TemplateValue, place: string): Truth {
    if (typeof value === "boolean") return value;
    const [name, ...more] = isTemplateMap(value) ? Object.keys(value) : [];
    const test = name !== undefined && more.length === 0 && Object.hasOwn(this.#tests, name) ? this.#tests[name] : null;
    if (test !== null && test !== undefined)
      return test((value as TemplateMap)[name as string] as TemplateValue, place);
    if (name !== undefined && Object.hasOwn(FOREIGN, name)) return this.#foreign(name, place);
    return this.#wrong(place, "is no condition");
  }

  #members(value: TemplateMap, place: string): Outcome {
    const members: Array<readonly [string, TemplateValue]> = [];
    for (const [key, member] of Object.entries(value)) {
      const at = `${place}.${key}`;
      if (key.startsWith("Fn::")) {
        if (Object.hasOwn(FOREIGN, key)) this.#foreign(key, at);
        else this.#report.error(at, "must be the only key of its map");
        continue;
      }
      const found = this.#member(this.value(member, at));
      if (found !== undefined) members.push([key, found]);
    }
    return Object.fromEntries(members);
  }

  /** Gives the member of a map or list; undefined: it is left out. */
  #member(outcome: Outcome): TemplateValue | undefined {
    return outcome === UNRESOLVED ? this.#scope.placeholder : outcome;
  }

  #call(call: TemplateMap, place: string): Outcome {
    const [name = ""] = Object.keys(call);
    const argument = call[name] as TemplateValue;
    if (Object.hasOwn(FOREIGN, name) && !(name === IMPORT && this.#scope.importValue !== undefined))
      return this.#foreign(name, place, argument);
    const made = Object.hasOwn(this.#calls, name) ? this.#calls[name] : undefined;
    if (made !== undefined) {
      const outcome = made(argument, place);
      if (!this.#mayMake(charactersOf(outcome), place)) return UNRESOLVED;
      if (outcome === UNRESOLVED) this.#unresolved++;
      return typeof outcome === "string" ? this.#text(outcome, place) : outcome;
    }
    if (Object.hasOwn(this.#tests, name)) return this.#wrong(place, `has ${name} where a value is needed`);
    return this.#wrong(place, `has ${name}, which is no function of the language`);
  }

  #foreign(name: string, place: string, argument?: TemplateValue): Unresolved {
    const of = isScalar(argument) ? ` ${String(argument)}` : "";
    const macro = isTemplateMap(argument) && isScalar(argument["Name"]) ? ` ${String(argument["Name"])}` : "";
    this.#report.unsupported(place, `has ${name}${of}${macro}, which ${FOREIGN[name]}`);
    return this.#lost();
  }

  #wrong(place: string, reason: string): Unresolved {
    this.#report.error(place, reason);
    return this.#lost();
  }

  /** Takes characters from those that are left; says whether there were enough. */
  #mayMake(characters: number, place: string): boolean {
    if (this.#left >= 0 && characters > this.#left)
      this.#report.error(place, `makes, with what is beside it, more than ${MADE_MAX} characters`);
    this.#left -= characters;
    if (this.#left >= 0) return true;
    this.#lost();
    return false;
  }

  #lost(): Unresolved {
    this.#unresolved++;
    return UNRESOLVED;
  }

  #import(argument: TemplateValue, place: string): Outcome {
    const name = this.#string(argument, place, "Fn::ImportValue of something");
    return name === UNRESOLVED ? UNRESOLVED : (this.#scope.importValue?.(name, place) ?? UNRESOLVED);
  }

  #text(text: string, place: string): Outcome {
    if (this.#scope.keepsDynamicReferences === true) return text;
    const found = dynamicReference(text);
    if (found === null) return text;
    this.#report.unsupported(place, `has the dynamic reference ${found}, which Thaw can't resolve yet`);
    return this.#lost();
  }

  /** Evaluates the argument of a function: UNRESOLVED where any part of it is. */
  #whole(value: TemplateValue, place: string): Outcome {
    const before = this.#unresolved;
    const found = this.value(value, place);
    return this.#unresolved === before ? found : UNRESOLVED;
  }

  /** A text argument; numbers and truth values count as text. */
  #string(value: TemplateValue | undefined, place: string, what: string): string | Unresolved {
    const found = value === undefined ? undefined : this.#whole(value, place);
    if (found === UNRESOLVED) return UNRESOLVED;
    return isScalar(found) ? String(found) : this.#wrong(place, `has ${what} that is no text`);
  }

  /** A text that the function looks into. */
  #open(value: TemplateValue | undefined, place: string, what: string): string | Unresolved {
    const text = this.#string(value, place, what);
    return text === UNRESOLVED ? UNRESOLVED : this.#opened(text, place, what);
  }

  /** Refuses what must not be looked into. */
  #opened(text: string, place: string, what: string): string | Unresolved {
    if (this.#scope.isSecret?.(text) !== true) return text;
    this.#report.unsupported(place, `has ${what} that is a value of a NoEcho parameter`);
    return this.#lost();
  }

  /** A text that the function needs as it is: what is known only after the deployment is refused. */
  #known(value: TemplateValue | undefined, place: string, what: string): string | Unresolved {
    const text = this.#open(value, place, what);
    if (text === UNRESOLVED || !hasMark(text)) return text;
    this.#report.unsupported(place, `has ${what} that is known only after the deployment`);
    return this.#lost();
  }

  #list(value: TemplateValue | undefined, place: string, what: string): readonly TemplateValue[] | Unresolved {
    const found = value === undefined ? undefined : this.#whole(value, place);
    if (found === UNRESOLVED) return UNRESOLVED;
    return isTemplateList(found) ? found : this.#wrong(place, `has ${what} that is no list`);
  }

  /** The arguments of a function that takes a list of them. */
  #arguments(name: string, value: TemplateValue, place: string, least: number, most = least): readonly TemplateValue[] {
    if (isTemplateList(value) && value.length >= least && value.length <= most) return value;
    const count = least === most ? String(least) : `${least} to ${most}`;
    this.#wrong(place, `has ${name} without its ${count} arguments in a list`);
    return [];
  }

  #refer(argument: TemplateValue, place: string): Outcome {
    const name = this.#string(argument, place, "Ref of something");
    if (name === UNRESOLVED) return UNRESOLVED;
    return name === "AWS::NoValue" ? undefined : this.#scope.refer(name, place);
  }

  #attribute(argument: TemplateValue, place: string): Outcome {
    const parts = isTemplateList(argument) ? argument : [argument];
    const texts = parts.map((part) => this.#string(part, place, "Fn::GetAtt of something"));
    if (texts.includes(UNRESOLVED)) return UNRESOLVED;
    const [logicalId = "", ...rest] = (texts as string[]).join(".").split(".");
    if (rest.length === 0) return this.#wrong(place, "has Fn::GetAtt without an attribute");
    return this.#scope.attribute(logicalId, rest.join("."), place);
  }

  #substitute(argument: TemplateValue, place: string): Outcome {
    const [text, own] = isTemplateList(argument) ? argument : [argument, undefined];
    if (typeof text !== "string") return this.#wrong(place, "has Fn::Sub without a text");
    const before = this.#unresolved;
    const variables = isTemplateMap(own) ? this.#members(own, place) : {};
    if (this.#unresolved !== before) return UNRESOLVED;
    const find = (name: string): Outcome => {
      if (isTemplateMap(variables) && Object.hasOwn(variables, name)) return variables[name] as TemplateValue;
      const at = name.indexOf(".");
      return at === -1
        ? this.#scope.refer(name, place)
        : this.#scope.attribute(name.slice(0, at), name.slice(at + 1), place);
    };
    const filled = substitute(text, find, this.#left);
    if (typeof filled === "string" || filled === UNRESOLVED) return filled;
    if ("wrong" in filled) return this.#wrong(place, filled.wrong);
    this.#mayMake(Infinity, place);
    return UNRESOLVED;
  }

  #join(argument: TemplateValue, place: string): Outcome {
    const [separator, parts] = this.#arguments("Fn::Join", argument, place, 2);
    if (parts === undefined) return UNRESOLVED;
    if (!isScalar(separator)) return this.#wrong(place, "has Fn::Join with a delimiter that is no text");
    const found = this.#list(parts, place, "Fn::Join of something");
    if (found === UNRESOLVED) return UNRESOLVED;
    if (!found.every(isScalar)) return this.#wrong(place, "has Fn::Join of a list whose items are no texts");
    const texts = found.map(String);
    const characters = charactersOf(texts) + texts.length * String(separator).length;
    if (characters > this.#left) {
      this.#mayMake(characters, place);
      return UNRESOLVED;
    }
    return texts.join(String(separator));
  }

  #select(argument: TemplateValue, place: string): Outcome {
    const [index, from] = this.#arguments("Fn::Select", argument, place, 2);
    if (from === undefined) return UNRESOLVED;
    const at = this.#string(index, place, "Fn::Select with an index");
    const found = this.#list(from, place, "Fn::Select of something");
    if (at === UNRESOLVED || found === UNRESOLVED) return UNRESOLVED;
    const selected = /^[0-9]{1,9}$/.test(at) ? found[Number(at)] : undefined;
    if (selected !== undefined) return selected;
    return this.#wrong(place, `has Fn::Select that cannot select nonexistent value at index ${at}`);
  }

  #split(argument: TemplateValue, place: string): Outcome {
    const [separator, from] = this.#arguments("Fn::Split", argument, place, 2);
    if (from === undefined) return UNRESOLVED;
    const text = this.#open(from, place, "Fn::Split of something");
    if (text === UNRESOLVED) return UNRESOLVED;
    if (!isScalar(separator) || separator === "") return this.#wrong(place, "has Fn::Split without a delimiter");
    return text.split(String(separator));
  }

  #findInMap(argument: TemplateValue, place: string): Outcome {
    const [map, top, second, more] = this.#arguments("Fn::FindInMap", argument, place, 3, 4);
    if (second === undefined) return UNRESOLVED;
    const keys = [map, top, second].map((each) => this.#known(each, place, "Fn::FindInMap with a key"));
    if (keys.includes(UNRESOLVED)) return UNRESOLVED;
    const [name = "", topKey = "", secondKey = ""] = keys as string[];
    const mapping = Object.hasOwn(this.#scope.mappings, name) ? this.#scope.mappings[name] : undefined;
    const row = mapping !== undefined && Object.hasOwn(mapping, topKey) ? mapping[topKey] : undefined;
    const found = isTemplateMap(row) && Object.hasOwn(row, secondKey) ? row[secondKey] : undefined;
    // A function in there could name its own place.
    if (found !== undefined && !isOfTexts(found))
      return this.#wrong(place, `has Fn::FindInMap of ${name}, whose values must be texts or lists of texts`);
    if (found !== undefined) return this.value(found, place);
    if (isTemplateMap(more) && more["DefaultValue"] !== undefined) return this.value(more["DefaultValue"], place);
    if (mapping === undefined) return this.#wrong(place, `has Fn::FindInMap of ${name}, which is no mapping`);
    const missing = row === undefined ? topKey : secondKey;
    return this.#wrong(place, `has Fn::FindInMap - Key '${missing}' not found in Mapping '${name}'`);
  }

  #if(argument: TemplateValue, place: string): Outcome {
    const [condition, then, otherwise] = this.#arguments("Fn::If", argument, place, 3);
    if (otherwise === undefined) return UNRESOLVED;
    if (typeof condition !== "string" && !isTemplateMap(condition)) {
      this.#report.error(place, "has Fn::If whose first argument is not the name of a condition");
      return UNRESOLVED;
    }
    const truth =
      typeof condition === "string"
        ? this.#scope.condition(condition, place)
        : this.truth(condition as TemplateValue, place);
    if (truth === UNRESOLVED) return UNRESOLVED;
    return this.value((truth ? then : otherwise) as TemplateValue, place);
  }

  #base64(argument: TemplateValue, place: string): Outcome {
    const text = this.#known(argument, place, "Fn::Base64 of something");
    return text === UNRESOLVED ? UNRESOLVED : Buffer.from(text).toString("base64");
  }

  #cidr(argument: TemplateValue, place: string): Outcome {
    const [block, count, bits] = this.#arguments("Fn::Cidr", argument, place, 3);
    if (bits === undefined) return UNRESOLVED;
    const texts = [block, count, bits].map((each) => this.#known(each, place, "Fn::Cidr with an argument"));
    if (texts.includes(UNRESOLVED)) return UNRESOLVED;
    const [from = "", many = "", wide = ""] = texts as string[];
    const blocks = splitBlock(from, Number(many), Number(wide));
    return "wrong" in blocks ? this.#wrong(place, blocks.wrong) : blocks;
  }

  #zones(argument: TemplateValue, place: string): Outcome {
    const region = this.#string(argument, place, "Fn::GetAZs of something");
    if (region === UNRESOLVED) return UNRESOLVED;
    return ["a", "b", "c"].map((letter) => `${region === "" ? this.#scope.region : region}${letter}`);
  }

  #length(argument: TemplateValue, place: string): Outcome {
    const list = this.#list(argument, place, "Fn::Length of something");
    return list === UNRESOLVED ? UNRESOLVED : list.length;
  }

  #toJson(argument: TemplateValue, place: string): Outcome {
    const found = this.#whole(argument, place);
    if (found === UNRESOLVED) return UNRESOLVED;
    if (isTemplateMap(found) || isTemplateList(found))
      return this.#opened(JSON.stringify(found), place, "Fn::ToJsonString of something");
    return this.#wrong(place, "has Fn::ToJsonString of something that is no map and no list");
  }

  #condition(argument: TemplateValue, place: string): Truth {
    return typeof argument === "string"
      ? this.#scope.condition(argument, place)
      : this.#wrong(place, "has Condition without the name of one");
  }

  #equals(argument: TemplateValue, place: string): Truth {
    const sides = this.#arguments("Fn::Equals", argument, place, 2);
    const [left, right] = sides.map((side) => this.#whole(side, place));
    if (sides.length === 0 || left === UNRESOLVED || right === UNRESOLVED) return UNRESOLVED;
    for (const side of [left, right])
      if (typeof side === "string" && this.#opened(side, place, "Fn::Equals of something") === UNRESOLVED)
        return UNRESOLVED;
    return comparable(left) === comparable(right);
  }

  #not(argument: TemplateValue, place: string): Truth {
    const [condition] = this.#arguments("Fn::Not", argument, place, 1);
    const truth = condition === undefined ? UNRESOLVED : this.truth(condition, place);
    return truth === UNRESOLVED ? UNRESOLVED : !truth;
  }

  /** All of them must be true (And), or one (Or): `decisive` is the value of one that decides. */
  #several(name: string, argument: TemplateValue, place: string, decisive: boolean): Truth {
    const conditions = this.#arguments(name, argument, place, CONDITIONS_MIN, CONDITIONS_MAX);
    const truths = conditions.map((condition) => this.truth(condition, place));
    if (truths.includes(decisive)) return decisive;
    return truths.length === 0 || truths.includes(UNRESOLVED) ? UNRESOLVED : !decisive;
  }

  #contains(argument: TemplateValue, place: string): Truth {
    const [list, value] = this.#arguments("Fn::Contains", argument, place, 2);
    if (list === undefined || value === undefined) return UNRESOLVED;
    return this.#isIn([value], list, place);
  }

  #eachEquals(argument: TemplateValue, place: string): Truth {
    const [list, value] = this.#arguments("Fn::EachMemberEquals", argument, place, 2);
    if (list === undefined || value === undefined) return UNRESOLVED;
    return this.#isIn(list, [value], place);
  }

  #eachIn(argument: TemplateValue, place: string): Truth {
    const [members, list] = this.#arguments("Fn::EachMemberIn", argument, place, 2);
    if (members === undefined || list === undefined) return UNRESOLVED;
    return this.#isIn(members, list, place);
  }

  /** Says whether all of these are in the list. */
  #isIn(members: TemplateValue, list: TemplateValue, place: string): Truth {
    const some = this.#whole(members, place);
    const all = this.#list(list, place, "a rule about something");
    if (some === UNRESOLVED || some === undefined || all === UNRESOLVED) return UNRESOLVED;
    const known = new Set(all.map(comparable));
    return (isTemplateList(some) ? some : [some]).every((member) => known.has(comparable(member)));
  }
}

/** Characters of a text, or of all texts in a list, with one for each of its places. */
function charactersOf(outcome: Outcome): number {
  if (typeof outcome === "string") return outcome.length;
  if (!isTemplateList(outcome)) return 0;
  return outcome.reduce((sum: number, item) => sum + 1 + (typeof item === "string" ? item.length : 0), 0);
}

function isOfTexts(value: TemplateValue): boolean {
  return isScalar(value) || (isTemplateList(value) && value.every(isScalar));
}

/** CloudFormation compares texts: 1 is "1". */
function comparable(value: TemplateValue | undefined): string {
  return isScalar(value) ? String(value) : JSON.stringify(value ?? null);
}
