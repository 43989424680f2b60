/**
 * Schemas of JSON, draft 4, as checks of values. Nothing foreign becomes code: a schema becomes closures, whose work a
 * meter bounds. https://datatracker.ietf.org/doc/html/draft-fge-json-schema-validation-00
 */
import { isMap } from "@thaw/installation/json-map";
import { type Check, type CompileExpression, type CompileParts, type Schema, SchemaError } from "./check.ts";
import { Meter, TooMuchWork } from "./meter.ts";
import { firstProblem, OF_PARTS } from "./parts.ts";
import { OF_VALUES } from "./values.ts";

/** Limits of what one schema and those that it refers to have together. */
const SCHEMAS_MAX = 10_000;
const DEPTH_MAX = 100;
const REFERENCES_MAX = 1000;
const EXPRESSIONS_MAX = 200;
const EXPRESSION_CHARACTERS_MAX = 10_000;
/** Sizes of all expressions as they were compiled. */
const EXPRESSION_SIZES_MAX = 20_000;

/** Documents that a reference may name. */
export interface Documents {
  /**
   * The name of the document that an address without its fragment stands for, seen from another one; null: there is
   * none.
   */
  readonly nameOf: (address: string) => string | null;
  /** Throws a SchemaError where it can't be read. */
  readonly read: (name: string) => unknown;
}

/** `problem` is null where a value is as the schema wants it. */
export type Verdict = { readonly kind: "checked"; readonly problem: string | null } | { readonly kind: "tooMuch" };

/** Throws a SchemaError where a schema can't be carried out. */
export function compileSchema(
  name: string,
  documents: Documents,
  expression: CompileExpression,
): (value: unknown) => Verdict {
  const check = new Compiler(documents, expression).reference(name, "");
  return (value) => {
    try {
      return { kind: "checked", problem: check(value, new Meter()) };
    } catch (error) {
      if (error instanceof TooMuchWork) return { kind: "tooMuch" };
      throw error;
    }
  };
}

class Compiler {
  readonly #documents: Documents;
  readonly #expression: CompileExpression;
  readonly #read = new Map<string, unknown>();
  /** By document and pointer. A holder is filled once its schema is compiled, which may refer to itself. */
  readonly #references = new Map<string, { check: Check | null }>();
  #schemas = 0;
  readonly #expressions = { count: 0, characters: 0, sizes: 0 };

  constructor(documents: Documents, expression: CompileExpression) {
    this.#documents = documents;
    this.#expression = (source) => {
      const all = this.#expressions;
      all.count += 1;
      all.characters += source.length;
      if (all.count > EXPRESSIONS_MAX || all.characters > EXPRESSION_CHARACTERS_MAX)
        throw new SchemaError(
          `a schema has at most ${EXPRESSIONS_MAX} patterns, of ${EXPRESSION_CHARACTERS_MAX} characters together`,
        );
      const compiled = expression(source);
      all.sizes += compiled.size;
      if (all.sizes > EXPRESSION_SIZES_MAX) throw new SchemaError("the schema's patterns repeat too much");
      return compiled;
    };
  }

  reference(name: string, pointer: string, depth = 0): Check {
    const key = JSON.stringify([name, pointer]);
    const known = this.#references.get(key);
    if (known !== undefined) return (value, meter) => (known.check === null ? null : known.check(value, meter));
    if (this.#references.size >= REFERENCES_MAX)
      throw new SchemaError(`a schema has at most ${REFERENCES_MAX} references`);
    const holder: { check: Check | null } = { check: null };
    this.#references.set(key, holder);
    const check = this.#compile(this.#find(name, pointer), { name, place: pointer, depth });
    holder.check = check;
    return check;
  }

  #find(name: string, pointer: string): unknown {
    if (!this.#read.has(name)) this.#read.set(name, this.#documents.read(name));
    return stepsOf(pointer).reduce((at, step) => {
      const found = (isMap(at) || Array.isArray(at)) && Object.hasOwn(at, step) ? (at as Schema)[step] : undefined;
      if (found === undefined) throw new SchemaError(`${name}#${pointer} is not there`);
      return found;
    }, this.#read.get(name));
  }

  #compile(schema: unknown, at: { readonly name: string; readonly place: string; readonly depth: number }): Check {
    const { name, place, depth } = at;
    if (!isMap(schema)) throw new SchemaError(`${name}#${place.slice(0, 200)} is no schema: it must be a map`);
    this.#schemas += 1;
    if (this.#schemas > SCHEMAS_MAX) throw new SchemaError(`a schema has at most ${SCHEMAS_MAX} schemas in it`);
    if (depth > DEPTH_MAX) throw new SchemaError(`schemas are at most ${DEPTH_MAX} levels deep`);
    // What stands beside a reference means nothing in draft 4.
    const checks =
      schema["$ref"] === undefined
        ? this.#keywords(schema, {
            sub: (each, step) => this.#compile(each, { name, place: `${place}/${step}`, depth: depth + 1 }),
            expression: this.#expression,
          })
        : [this.#referred(schema["$ref"], name, depth)];
    return (value, meter) => {
      meter.enter();
      const problem = firstProblem(checks, value, meter);
      meter.leave();
      return problem;
    };
  }

  #keywords(schema: Schema, parts: CompileParts): readonly Check[] {
    return Object.entries(schema).flatMap(([keyword, value]) => {
      const make = Object.hasOwn(OF_VALUES, keyword)
        ? OF_VALUES[keyword]
        : Object.hasOwn(OF_PARTS, keyword)
          ? OF_PARTS[keyword]
          : undefined;
      const check = make?.(value, schema, parts) ?? null;
      return check === null ? [] : [check];
    });
  }

  #referred(reference: unknown, from: string, depth: number): Check {
    if (typeof reference !== "string") throw new SchemaError("$ref must be a text");
    const [address = "", pointer = ""] = reference.split("#", 2);
    const name = address === "" ? from : this.#documents.nameOf(address);
    if (name === null) throw new SchemaError(`$ref ${reference.slice(0, 200)} leads to no model of this API`);
    return this.reference(name, pointer, depth + 1);
  }
}

/** Steps of a pointer into a document. */
function stepsOf(pointer: string): readonly string[] {
  if (pointer === "") return [];
  if (!pointer.startsWith("/")) throw new SchemaError(`#${pointer.slice(0, 100)} is no pointer: begin it with #/`);
  return pointer
    .slice(1)
    .split("/")
    .map((step) => {
      try {
        return decodeURIComponent(step).replaceAll("~1", "/").replaceAll("~0", "~");
      } catch {
        throw new SchemaError(`#${pointer.slice(0, 100)} is no pointer: a % in it stands for itself`);
      }
    });
}
