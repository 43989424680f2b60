/** The form of a route: data that the server, the command line, the reference and the tests all read. */
import * as z from "zod";

/** Members of a query, each read from its text. */
export type QueryShape = Readonly<Record<string, z.ZodType<unknown, string | undefined>>>;

export type AnswerForm =
  | { readonly kind: "json"; readonly schema: z.ZodType }
  /** A JSON document on each line. */
  | { readonly kind: "lines"; readonly schema: z.ZodType }
  | { readonly kind: "bytes"; readonly contentType: string };

export interface RouteForm {
  readonly method: "GET" | "POST" | "PUT";
  /** Path below the prefix. `{name}` is one segment, `{name+}` the rest of the path. */
  readonly path: string;
  readonly about: string;
  /** Answered without a signature. */
  readonly isPublic?: true;
  /** About the whole installation: only the operator's key may ask. Other routes are about the caller's own. */
  readonly isOperators?: true;
  /** The answer lasts until the client leaves, and may say nothing for hours. */
  readonly isEndless?: true;
  readonly query: QueryShape;
  /** `bytes`: any content, handed on as it comes. Null: the request has no body. */
  readonly body: z.ZodType | "bytes" | null;
  readonly bodyBytesMax: number;
  readonly answer: AnswerForm;
}

const TRUE = new Set(["1", "true"]);
const FALSE = new Set(["0", "false"]);
const LIST_LIMIT_MAX = 1000;

/** Declares a flag of a query, false when it is left out. */
export function flag(about: string): z.ZodType<boolean | undefined, string | undefined> {
  return z
    .string()
    .refine((text) => TRUE.has(text) || FALSE.has(text), { error: "expected 1, true, 0 or false" })
    .transform((text) => TRUE.has(text))
    .optional()
    .describe(about);
}

/** Declares a number of a query. */
export function number(
  about: string,
  isRight: (value: number) => boolean,
  expected: string,
): z.ZodType<number | undefined, string | undefined> {
  return z
    .string()
    .refine((text) => text.trim() !== "" && isRight(Number(text)), { error: `expected ${expected}` })
    .transform(Number)
    .optional()
    .describe(about);
}

/** Declares a text of a query. */
export function text(about: string): z.ZodType<string | undefined, string | undefined> {
  return z.string().optional().describe(about);
}

/** Declares a choice of a query. */
export function choice<const C extends readonly [string, ...string[]]>(
  choices: C,
  about: string,
): z.ZodType<C[number] | undefined, string | undefined> {
  return z
    .string()
    .refine((given): given is C[number] => choices.includes(given), { error: `expected one of ${choices.join(", ")}` })
    .optional()
    .describe(about);
}

const pageQuery = {
  limit: number(
    `Length of a page, 1 to ${LIST_LIMIT_MAX}; without it the list comes whole`,
    (value) => Number.isInteger(value) && value >= 1 && value <= LIST_LIMIT_MAX,
    `a whole number from 1 to ${LIST_LIMIT_MAX}`,
  ),
  next: text("`next` of the page before"),
};

/** Declares the query of a list: its own filters, and pages. */
export function listQuery<Q extends QueryShape>(filters: Q): Q & typeof pageQuery {
  return { ...filters, ...pageQuery };
}

/** Declares the answer of a list: `name` holds the items, `next` is there when more follow. */
export function listOf<N extends string, S extends z.ZodType>(
  name: N,
  item: S,
): {
  readonly kind: "json";
  readonly schema: z.ZodObject<Record<N, z.ZodArray<S>> & { next: z.ZodOptional<z.ZodString> }>;
} {
  const shape = { [name]: z.array(item) } as Record<N, z.ZodArray<S>>;
  const next = z.string().optional().describe("Marker of the page that follows; left out on the last one");
  return { kind: "json", schema: z.object({ ...shape, next }) };
}

/** Declares an answer of one JSON document. */
export function json<S extends z.ZodType>(schema: S): { readonly kind: "json"; readonly schema: S } {
  return { kind: "json", schema };
}
