/**
 * Checks a value against a shape of the model, and says what is wrong in AWS's words
 * (recorded/test_lambda_api.*: `1 validation error detected: Value 'x' at 'a.b' failed to satisfy constraint: …`).
 */
import type { ServiceModel } from "./model.ts";
import type { Shape } from "./shape.ts";

/** A value of the wrong JSON type: AWS answers SerializationException, not ValidationException. */
export class SerializationError extends Error {}

type Checked = Pick<ServiceModel, "shapes" | "checkedByTheService" | "saidByTheService">;

/** Longest text that is matched though it is too long anyway: not each pattern of the model is linear. */
const MATCHED_LENGTH_MAX = 4096;
/** Number of problems that are said: a request may have a million items that are all wrong. */
const PROBLEMS_MAX = 1000;
/** Number of items of a list that a refusal shows. */
const ITEMS_SHOWN_MAX = 1000;
/** Lists whose refusals do not say that a member must not be null, as those of others do (recorded on AWS). */
const WITHOUT_NULL = new Set(["SecurityGroupId", "SubnetId"]);

/** Checks of one service's shapes. */
export class Validator {
  readonly #model: Checked;

  constructor(model: Checked) {
    this.#model = model;
  }

  /**
   * Says what is wrong with a value; null where it satisfies its shape. Throws SerializationError for a wrong JSON
   * type.
   */
  validate(shapeName: string, value: unknown): string | null {
    const problems: string[] = [];
    this.#check(shapeName, value, "", problems);
    if (problems.length === 0) return null;
    const noun = problems.length === 1 ? "error" : "errors";
    return `${problems.length} validation ${noun} detected: ${problems.join("; ")}`;
  }

  /** Gives the values of an enumeration; empty where the shape is none. */
  enumValues(shapeName: string): readonly string[] {
    return this.#shapeOf(shapeName).enum ?? [];
  }

  #check(shapeName: string, value: unknown, path: string, problems: string[]): void {
    if (problems.length >= PROBLEMS_MAX) return;
    const shape = this.#shapeOf(shapeName);
    switch (shape.type) {
      case "structure":
        return this.#checkStructure(shape, value, path, problems);
      case "list":
        return this.#checkList(shape, value, path, problems);
      case "map":
        return this.#checkMap(shape, value, path, problems);
      default: {
        requireType(shape, value, path);
        if (this.#model.checkedByTheService.has(shapeName)) return;
        for (const failed of failedConstraints(shape, value, this.#said(shapeName)))
          problems.push(describe(show(value), path, failed));
      }
    }
  }

  #checkStructure(shape: Shape, value: unknown, path: string, problems: string[]): void {
    if (!isRecord(value)) throw new SerializationError(`Expected an object at '${path}'`);
    for (const name of shape.required ?? []) {
      if (value[name] === undefined || value[name] === null)
        problems.push(`Value null at '${join(path, name)}' failed to satisfy constraint: Member must not be null`);
    }
    for (const [name, member] of Object.entries(shape.members ?? {})) {
      const at = value[name];
      if (at !== undefined && at !== null) this.#check(member.shape, at, join(path, name), problems);
    }
  }

  #checkList(shape: Shape, value: unknown, path: string, problems: string[]): void {
    if (!Array.isArray(value)) throw new SerializationError(`Expected a list at '${path}'`);
    const size = sizeConstraint(shape, value.length);
    if (size !== null) problems.push(describe(show(value), path, size));
    const member = this.#shapeOf(shape.member?.shape ?? "String");
    if (isComposite(member)) {
      for (const [index, item] of value.entries())
        this.#check(shape.member?.shape ?? "", item, `${path}.${index + 1}.member`, problems);
      return;
    }
    for (const item of value) requireType(member, item, path);
    const isBroken = value.some((item) => failedConstraints(member, item).length > 0);
    if (isBroken) {
      const isNullSaid = !WITHOUT_NULL.has(shape.member?.shape ?? "");
      const all = [
        ...allConstraints(this.#said(shape.member?.shape ?? "String")),
        ...(isNullSaid ? ["Member must not be null"] : []),
      ].join(", ");
      problems.push(describe(show(value), path, `Member must satisfy constraint: [${all}]`));
    }
  }

  #checkMap(shape: Shape, value: unknown, path: string, problems: string[]): void {
    if (!isRecord(value)) throw new SerializationError(`Expected an object at '${path}'`);
    const size = sizeConstraint(shape, Object.keys(value).length);
    if (size !== null) problems.push(describe(show(value), path, size));
    const key = this.#shapeOf(shape.key?.shape ?? "String");
    const item = this.#shapeOf(shape.value?.shape ?? "String");
    if (Object.keys(value).some((name) => failedConstraints(key, name).length > 0)) {
      problems.push(
        describe(show(value), path, `Map keys must satisfy constraint: [${allConstraints(key).join(", ")}]`),
      );
    }
    if (isComposite(item)) return;
    for (const each of Object.values(value)) requireType(item, each, path);
    if (Object.values(value).some((each) => failedConstraints(item, each).length > 0)) {
      const all = [...allConstraints(item), "Member must not be null"].join(", ");
      problems.push(describe(show(value), path, `Map value must satisfy constraint: [${all}]`));
    }
  }

  /** A shape as AWS's refusals name it, which may differ from the published model. */
  #said(name: string): Shape {
    return { ...this.#shapeOf(name), ...this.#model.saidByTheService[name] };
  }

  #shapeOf(name: string): Shape {
    const shape = this.#model.shapes[name];
    if (shape === undefined) throw new Error(`no shape ${name} in the model`);
    return shape;
  }
}

function requireType(shape: Shape, value: unknown, path: string): void {
  const isRight =
    (shape.type === "string" && typeof value === "string") ||
    (shape.type === "boolean" && typeof value === "boolean") ||
    ((shape.type === "integer" || shape.type === "long") && Number.isInteger(value)) ||
    ((shape.type === "double" || shape.type === "float") && typeof value === "number") ||
    (shape.type === "blob" && value instanceof Uint8Array) ||
    (shape.type === "timestamp" && value instanceof Date);
  if (!isRight)
    throw new SerializationError(`${typeof value} value can not be converted to ${shape.type} at '${path}'`);
}

/** All that fail, in AWS's order: the pattern before the length. `said`: what is named in place of what is checked. */
function failedConstraints(shape: Shape, value: unknown, said = shape): readonly string[] {
  const failed: string[] = [];
  if (typeof value === "string" && shape.enum !== undefined && !shape.enum.includes(value))
    failed.push(enumConstraint(said.enum ?? shape.enum));
  const size = sizeConstraint(shape, value);
  const isMatched = size === null || (typeof value === "string" && value.length <= MATCHED_LENGTH_MAX);
  if (typeof value === "string" && shape.pattern !== undefined && isMatched && !compile(shape.pattern).test(value))
    failed.push(patternConstraint(said.pattern ?? shape.pattern));
  if (size !== null) failed.push(size);
  return failed;
}

function sizeConstraint(shape: Shape, value: unknown): string | null {
  const size = typeof value === "string" || value instanceof Uint8Array ? value.length : value;
  if (typeof size !== "number") return null;
  if (shape.max !== undefined && size > shape.max)
    return `Member must have ${measure(shape)} less than or equal to ${bound(shape, shape.max)}`;
  if (shape.min !== undefined && size < shape.min)
    return `Member must have ${measure(shape)} greater than or equal to ${bound(shape, shape.min)}`;
  return null;
}

function allConstraints(shape: Shape): string[] {
  const all: string[] = [];
  if (shape.max !== undefined)
    all.push(`Member must have ${measure(shape)} less than or equal to ${bound(shape, shape.max)}`);
  if (shape.min !== undefined)
    all.push(`Member must have ${measure(shape)} greater than or equal to ${bound(shape, shape.min)}`);
  if (shape.enum !== undefined) all.push(enumConstraint(shape.enum));
  if (shape.pattern !== undefined) all.push(patternConstraint(shape.pattern));
  return all;
}

function measure(shape: Shape): string {
  return ["integer", "long", "double", "float"].includes(shape.type) ? "value" : "length";
}

function bound(shape: Shape, limit: number): string {
  return shape.type === "double" ? limit.toFixed(1) : String(limit);
}

function enumConstraint(values: readonly string[]): string {
  return `Member must satisfy enum value set: [${values.join(", ")}]`;
}

function patternConstraint(pattern: string): string {
  return `Member must satisfy regular expression pattern: ${pattern}`;
}

function describe(value: string, path: string, constraint: string): string {
  return `Value '${value}' at '${path}' failed to satisfy constraint: ${constraint}`;
}

/** Shows a value as Java prints it: AWS's texts do. */
function show(value: unknown): string {
  if (Array.isArray(value)) {
    const items = value.slice(0, ITEMS_SHOWN_MAX).map((item) => show(item));
    return `[${items.join(", ")}${value.length > items.length ? ", …" : ""}]`;
  }
  if (value instanceof Uint8Array) return "java.nio.HeapByteBuffer";
  if (isRecord(value))
    return `{${Object.entries(value)
      .map(
        ([key, item]) => `${key}=${typeof item === "number" && Number.isInteger(item) ? item.toFixed(1) : show(item)}`,
      )
      .join(", ")}}`;
  return String(value);
}

const compiled = new Map<string, RegExp>();

function compile(pattern: string): RegExp {
  let found = compiled.get(pattern);
  if (found === undefined) {
    found = new RegExp(`^(?:${pattern})$`, pattern.includes("\\p{") ? "su" : "s");
    compiled.set(pattern, found);
  }
  return found;
}

function isComposite(shape: Shape): boolean {
  return shape.type === "structure" || shape.type === "list" || shape.type === "map";
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
}

function join(path: string, name: string): string {
  const lower = name.charAt(0).toLowerCase() + name.slice(1);
  return path === "" ? lower : `${path}.${lower}`;
}
