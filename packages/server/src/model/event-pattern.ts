/**
 * Event patterns: EventBridge's language, which filter criteria of event source mappings have, too.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
 *
 * A pattern is a tree: objects, whose fields must all match, down to lists of rules, one of which must. A list in an
 * event matches where one of its items does, with all that the pattern says of that item. Names are joined by dots, as
 * AWS joins them: `{"detail.state": […]}` and `{"detail": {"state": […]}}` are the same.
 */
import { isMap } from "@thaw/installation/json-map";
import { EventPatternError, type Json, type JsonObject, parseJson } from "./event-json.ts";
import { type LeafRules, type Plain, readLeaf } from "./event-pattern-rules.ts";

/** Deeper patterns are refused: each level has a name at least, and AWS's limit of their length allows no more. */
const DEPTH_MAX = 100;
/** Comparisons for one event with all patterns that it is matched by; they take some tenths of a second. */
const STEPS_MAX = 20_000_000;

type Branch = LeafRules | PatternNode;

interface PatternNode {
  readonly fields: Map<string, Branch>;
  /** Each is a choice: one of its nodes must match. */
  readonly choices: Array<readonly PatternNode[]>;
}

/** An event as patterns see it. */
export class MatchedEvent {
  readonly root: Json;
  #steps = 0;

  private constructor(root: Json) {
    this.root = root;
  }

  /** Throws an EventPatternError where the text is no JSON, or is too deep. */
  static of(text: string): MatchedEvent {
    const root = parseJson(text);
    return new MatchedEvent(hasJoinedNames(root) ? parted(root) : root);
  }

  /** Whether the event is an object with this member. */
  has(member: string): boolean {
    return isMap(this.root) && Object.hasOwn(this.root, member);
  }

  /** Counts comparisons. Throws an EventPatternError where the event took too many. */
  step(count = 1): void {
    this.#steps += count;
    if (this.#steps > STEPS_MAX) throw new EventPatternError("The event is too large for the patterns");
  }
}

export class EventPattern {
  readonly #root: PatternNode;

  private constructor(root: PatternNode) {
    this.#root = root;
  }

  /** Throws an EventPatternError where the text is no pattern. An empty object is one, and matches every event. */
  static of(text: string): EventPattern {
    const value = parseJson(text, DEPTH_MAX);
    if (!isMap(value)) throw new EventPatternError("Filter is not an object");
    return new EventPattern(readNode(value));
  }

  /** True where nothing is asked of an event. */
  get isEmpty(): boolean {
    return this.#root.fields.size === 0 && this.#root.choices.length === 0;
  }

  /** Throws an EventPatternError where the event took too many comparisons. */
  matches(event: MatchedEvent): boolean {
    return matchesNode(this.#root, event.root, { event, path: [] });
  }
}

/** True where the text is a pattern. */
export function isEventPattern(text: string): boolean {
  try {
    EventPattern.of(text);
    return true;
  } catch (error) {
    if (error instanceof EventPatternError) return false;
    throw error;
  }
}

function readNode(given: JsonObject): PatternNode {
  const node: PatternNode = { fields: new Map(), choices: [] };
  readInto(node, given, "");
  return node;
}

/** `path` is for the refusal of a name that is there twice. */
function readInto(node: PatternNode, given: JsonObject, path: string): void {
  for (const [name, value] of Object.entries(given)) {
    if (name === "$or" && Array.isArray(value)) node.choices.push(readChoice(value));
    else if (Array.isArray(value)) addLeaf(node, name, readLeaf(value), path);
    else if (isMap(value)) {
      if (Object.keys(value).length === 0) throw new EventPatternError("Empty objects are not allowed");
      const inner = nodeAt(node, name.split("."), path);
      readInto(inner, value, `${path}${name}.`);
    } else throw new EventPatternError(`"${name}" must be an object or an array`);
  }
}

function readChoice(list: readonly Json[]): readonly PatternNode[] {
  if (list.length < 2) throw new EventPatternError("There must have at least 2 Objects in $or relationship.");
  return list.map((each) => {
    if (!isMap(each)) throw new EventPatternError("Only JSON object is allowed in array of $or relationship.");
    if (Object.keys(each).length === 0) throw new EventPatternError("Empty objects are not allowed");
    return readNode(each);
  });
}

function addLeaf(node: PatternNode, name: string, leaf: LeafRules, path: string): void {
  const names = name.split(".");
  const last = names.pop() ?? "";
  const inner = nodeAt(node, names, path);
  if (inner.fields.has(last)) throw twice(`${path}${name}`);
  inner.fields.set(last, leaf);
}

function nodeAt(node: PatternNode, names: readonly string[], path: string): PatternNode {
  let at = node;
  for (const name of names) {
    const found = at.fields.get(name);
    if (found !== undefined && "literals" in found) throw twice(`${path}${name}`);
    const next = found ?? { fields: new Map(), choices: [] };
    at.fields.set(name, next);
    at = next;
  }
  return at;
}

function twice(path: string): EventPatternError {
  return new EventPatternError(`Path \`${path}\` cannot be allowed multiple times`);
}

interface Place {
  readonly event: MatchedEvent;
  readonly path: readonly string[];
}

function matchesNode(node: PatternNode, value: Json | undefined, place: Place): boolean {
  place.event.step();
  if (Array.isArray(value) && value.length > 0) return value.some((item: Json) => matchesNode(node, item, place));
  const from = isMap(value) ? value : {};
  for (const [name, branch] of node.fields) {
    const inner = { event: place.event, path: [...place.path, name] };
    const found = Object.hasOwn(from, name) ? from[name] : undefined;
    if (!("literals" in branch ? matchesLeaf(branch, found, inner) : matchesNode(branch, found, inner))) return false;
  }
  return node.choices.every((choice) => choice.some((each) => matchesNode(each, value, place)));
}

function matchesLeaf(rules: LeafRules, value: Json | undefined, { event, path }: Place): boolean {
  if (rules.wantsAbsence && !hasPlain(event, path, 0, event.root)) return true;
  return hasMatch(rules, value, event);
}

/** The items of lists are values of the field, however deep the lists are in one another; objects are none. */
function hasMatch(rules: LeafRules, value: Json | undefined, event: MatchedEvent): boolean {
  event.step();
  if (Array.isArray(value)) return value.some((item: Json) => hasMatch(rules, item, event));
  if (value === undefined || isMap(value)) return false;
  const plain = value as Plain;
  if (rules.literals.has(plain)) return true;
  return rules.tests.some((test) => {
    event.step();
    return test(plain, event);
  });
}

/**
 * Whether the whole event has a value at the path. A field is absent only where it is so in each item of the lists on
 * the way.
 */
function hasPlain(event: MatchedEvent, path: readonly string[], at: number, value: Json | undefined): boolean {
  event.step();
  if (Array.isArray(value)) return value.some((item: Json) => hasPlain(event, path, at, item));
  const name = path[at];
  if (name === undefined) return value !== undefined && !isMap(value);
  return isMap(value) && Object.hasOwn(value, name) && hasPlain(event, path, at + 1, value[name]);
}

function hasJoinedNames(value: Json): boolean {
  if (Array.isArray(value)) return value.some((item: Json) => hasJoinedNames(item));
  if (!isMap(value)) return false;
  return Object.entries(value).some(([name, inner]) => name.includes(".") || hasJoinedNames(inner));
}

/** The event with each name that has dots taken apart. Objects without a prototype: each name is a plain one. */
function parted(value: Json): Json {
  if (Array.isArray(value)) return value.map((item: Json) => parted(item));
  if (!isMap(value)) return value;
  const made = Object.create(null) as Record<string, Json>;
  for (const [joined, inner] of Object.entries(value)) {
    const names = joined.split(".");
    const last = names.pop() ?? "";
    let at = made;
    for (const name of names) {
      const next: Json = at[name] ?? null;
      if (!isMap(next)) at[name] = Object.create(null) as JsonObject;
      at = at[name] as Record<string, Json>;
    }
    const before = at[last];
    const own = parted(inner);
    at[last] = isMap(before) && isMap(own) ? Object.assign(Object.create(null), before, own) : own;
  }
  return made;
}
