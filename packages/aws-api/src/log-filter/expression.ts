/**
 * Expressions between percent signs, as CloudWatch Logs has them: characters, classes and `?`, `*`, `+`, `{m,n}` behind
 * each, alternatives, anchors, and no parentheses
 * (https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html).
 *
 * All states are followed at once, instead of one after the other as RegExp does: the time is linear in the text,
 * whatever the expression. RegExp needs hours for `%.*.*.*x%` over one long line.
 */
import { LogFilterError } from "./filter.ts";

/** The members of a set are characters of ASCII; the last entry stands for all others. */
type CharacterSet = Uint8Array;

interface Item {
  readonly set: CharacterSet;
  readonly isOptional: boolean;
  readonly isRepeated: boolean;
}

interface Alternative {
  readonly items: readonly Item[];
  readonly isFromStart: boolean;
  readonly isToEnd: boolean;
}

const OTHERS = 128;
/** Number of states of one expression: each costs time for each character. */
const STATES_MAX = 512;
const PLAIN = /[A-Za-z0-9:_#=@/;,-]/;
const OPERATORS = "^$?[]{}|\\*+.";
const CLASSES: Readonly<Record<string, RegExp>> = { d: /[0-9]/, w: /[A-Za-z0-9_]/, s: /[\t\n\v\f\r ]/ };
const COUNTS = /\{(\d{1,4})(?:(,)(\d{1,4})?)?\}/y;
const HEX = /x([0-9A-Fa-f]{2})/y;

export class Expression {
  readonly #alternatives: readonly Alternative[];

  /** Throws a LogFilterError for what CloudWatch Logs does not take. */
  constructor(text: string) {
    this.#alternatives = new ExpressionReader(text).read();
    if (this.weight > STATES_MAX)
      throw new LogFilterError(`The expression %${text}% has more than ${STATES_MAX} states`);
  }

  /** Number of states: what one character costs at most. */
  get weight(): number {
    return this.#alternatives.reduce((sum, { items }) => sum + items.length + 1, 0);
  }

  test(text: string): boolean {
    return this.#alternatives.some((alternative) => matches(alternative, text));
  }
}

function matches({ items, isFromStart, isToEnd }: Alternative, text: string): boolean {
  const seenAt = new Int32Array(items.length + 1).fill(-1);
  let current: number[] = [];
  let next: number[] = [];
  /** Adds a state and those that are reached from it by leaving out items; true at the end of the expression. */
  const add = (states: number[], from: number, position: number): boolean => {
    for (let state = from; seenAt[state] !== position; state++) {
      seenAt[state] = position;
      if (state === items.length) return true;
      states.push(state);
      if (items[state]?.isOptional !== true) return false;
    }
    return false;
  };
  let isMatch = add(current, 0, 0);
  for (let position = 0; position < text.length; position++) {
    if (isMatch && !isToEnd) return true;
    const code = Math.min(text.charCodeAt(position), OTHERS);
    next.length = 0;
    isMatch = false;
    for (const state of current) {
      const item = items[state] as Item;
      if (item.set[code] === 1 && add(next, item.isRepeated ? state : state + 1, position + 1)) isMatch = true;
    }
    if (!isFromStart && add(next, 0, position + 1)) isMatch = true;
    if (next.length === 0 && !isMatch) return false;
    [current, next] = [next, current];
  }
  return isMatch;
}

class ExpressionReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  read(): readonly Alternative[] {
    const alternatives = [this.#readAlternative()];
    while (this.#take("|")) alternatives.push(this.#readAlternative());
    return alternatives;
  }

  #readAlternative(): Alternative {
    const isFromStart = this.#take("^");
    const items: Item[] = [];
    while (this.#at < this.#text.length && !this.#isAt("|") && !this.#isAt("$")) {
      const set = this.#readSet();
      items.push(...this.#readCount(set));
      if (items.length > STATES_MAX) throw this.#problem(`has more than ${STATES_MAX} states`);
    }
    const isToEnd = this.#take("$");
    if (this.#at < this.#text.length && !this.#isAt("|")) throw this.#problem("has a '$' that is not at its end");
    if (items.length === 0 && !isFromStart && !isToEnd) throw this.#problem("has an empty alternative");
    return { items, isFromStart, isToEnd };
  }

  #readSet(): CharacterSet {
    const character = this.#next();
    if (character === ".") return setOf((one) => one !== "\n", true);
    if (character === "[") return this.#readClass();
    if (character === "\\") return this.#readEscape();
    if (!PLAIN.test(character)) throw this.#problem(`has '${character}': ${hint(character)}`);
    return setOf((one) => one === character, false);
  }

  #readEscape(): CharacterSet {
    HEX.lastIndex = this.#at;
    const hex = HEX.exec(this.#text)?.[1];
    if (hex !== undefined) {
      this.#at = HEX.lastIndex;
      const code = Number.parseInt(hex, 16);
      if (code >= OTHERS) throw this.#problem(`has \\x${hex}, which is no character of ASCII`);
      return setOf((one) => one.charCodeAt(0) === code, false);
    }
    const character = this.#next();
    const known = CLASSES[character.toLowerCase()];
    if (known !== undefined) {
      const isOpposite = character !== character.toLowerCase();
      return setOf((one) => known.test(one) !== isOpposite, isOpposite);
    }
    if (!OPERATORS.includes(character) && !PLAIN.test(character)) throw this.#problem(`has \\${character}`);
    if (/[A-Za-z0-9]/.test(character)) throw this.#problem(`has \\${character}, which means nothing`);
    return setOf((one) => one === character, false);
  }

  #readClass(): CharacterSet {
    const isOpposite = this.#take("^");
    const members: CharacterSet = new Uint8Array(OTHERS + 1);
    let isEmpty = true;
    while (!this.#isAt("]")) {
      isEmpty = false;
      const first = this.#readMember();
      if (this.#isAt("-") && this.#text[this.#at + 1] !== "]" && typeof first === "string") {
        this.#at++;
        const last = this.#readMember();
        if (typeof last !== "string" || last < first) throw this.#problem("has a range that ends before it begins");
        for (let code = first.charCodeAt(0); code <= last.charCodeAt(0); code++) members[code] = 1;
      } else if (typeof first === "string") members[first.charCodeAt(0)] = 1;
      else for (const [code, isMember] of first.entries()) if (isMember === 1) members[code] = 1;
    }
    this.#at++;
    if (isEmpty) throw this.#problem("has an empty class");
    return isOpposite ? members.map((isMember) => 1 - isMember) : members;
  }

  /** Reads one character of a class, or a class within it. */
  #readMember(): string | CharacterSet {
    const character = this.#next();
    if (character !== "\\") {
      if (!PLAIN.test(character) && !OPERATORS.includes(character))
        throw this.#problem(`has '${character}': ${hint(character)}`);
      return character;
    }
    const set = this.#readEscape();
    const only = set.indexOf(1);
    return set[OTHERS] === 0 && set.lastIndexOf(1) === only ? String.fromCharCode(only) : set;
  }

  #readCount(set: CharacterSet): readonly Item[] {
    const one: Item = { set, isOptional: false, isRepeated: false };
    const perhaps: Item = { set, isOptional: true, isRepeated: false };
    const many: Item = { set, isOptional: true, isRepeated: true };
    if (this.#take("?")) return this.#once([perhaps]);
    if (this.#take("*")) return this.#once([many]);
    if (this.#take("+")) return this.#once([one, many]);
    if (!this.#isAt("{")) return [one];
    COUNTS.lastIndex = this.#at;
    const counts = COUNTS.exec(this.#text);
    if (counts === null) throw this.#problem("has a '{' that begins no count");
    this.#at = COUNTS.lastIndex;
    const least = Number(counts[1]);
    const most = counts[2] === undefined ? least : Number(counts[3] ?? least);
    if (most < least || most > STATES_MAX) throw this.#problem(`has a count that is not up to ${STATES_MAX}`);
    const isOpen = counts[2] !== undefined && counts[3] === undefined;
    const fixed = Array.from({ length: least }, () => one);
    return this.#once(isOpen ? [...fixed, many] : [...fixed, ...Array.from({ length: most - least }, () => perhaps)]);
  }

  #once(items: readonly Item[]): readonly Item[] {
    if (["?", "*", "+", "{"].some((operator) => this.#isAt(operator))) throw this.#problem("has two counts in a row");
    return items;
  }

  #isAt(character: string): boolean {
    return this.#text[this.#at] === character;
  }

  #take(character: string): boolean {
    const isThere = this.#isAt(character);
    if (isThere) this.#at++;
    return isThere;
  }

  #next(): string {
    const character = this.#text[this.#at++];
    if (character === undefined) throw this.#problem("is not whole");
    return character;
  }

  #problem(what: string): LogFilterError {
    return new LogFilterError(`Invalid filter pattern: the expression %${this.#text}% ${what}`);
  }
}

function hint(character: string): string {
  if (OPERATORS.includes(character)) return "there is nothing before it to repeat, or it has to stand behind '\\'";
  if (character.charCodeAt(0) >= OTHERS) return "only characters of ASCII can be in an expression";
  const code = character.charCodeAt(0).toString(16).padStart(2, "0");
  return `write it as \\x${code}`;
}

function setOf(isMember: (character: string) => boolean, hasOthers: boolean): CharacterSet {
  const set: CharacterSet = new Uint8Array(OTHERS + 1);
  for (let code = 0; code < OTHERS; code++) if (isMember(String.fromCharCode(code))) set[code] = 1;
  set[OTHERS] = hasOthers ? 1 : 0;
  return set;
}
