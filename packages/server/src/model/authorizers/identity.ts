/** Where the identity of a request is, by which results of authorizers are kept. */

/** The parts of a request that a source can name. Names of headers are in lower case. */
export interface IdentityParts {
  readonly header: (name: string) => string | null;
  readonly query: (name: string) => string | null;
  readonly variables: Readonly<Record<string, string>>;
  readonly context: (name: string) => string | null;
}

const SOURCE = /^(?:method\.|\$)request\.(header|querystring)\.([A-Za-z0-9!#$%&'*+.^_`|~-]{1,128})$/;
const REST = /^method\.request\.(?:header|querystring)\./;
const HTTP = /^\$request\.(?:header|querystring)\./;
const VARIABLE = /^\$?stageVariables\.([A-Za-z0-9_]{1,64})$/;
const CONTEXT = /^\$?context\.([A-Za-z.]{1,64})$/;

/** Whether a text names a part: as REST APIs write it, or with `isHttp` as HTTP APIs do. */
export function isIdentitySource(source: string, isHttp: boolean): boolean {
  if (SOURCE.test(source)) return (isHttp ? HTTP : REST).test(source);
  return (VARIABLE.test(source) || CONTEXT.test(source)) && source.startsWith("$") === isHttp;
}

/** Null where one of the parts is missing or empty: the authorizer is not called then. */
export function identityOf(sources: readonly string[], parts: IdentityParts): readonly string[] | null {
  const values = sources.map((source) => valueOf(source, parts));
  return values.every((each) => each !== null && each !== "") ? (values as readonly string[]) : null;
}

function valueOf(source: string, { header, query, variables, context }: IdentityParts): string | null {
  const [, place, name = ""] = SOURCE.exec(source) ?? [];
  if (place === "header") return header(name.toLowerCase());
  if (place === "querystring") return query(name);
  const variable = VARIABLE.exec(source)?.[1];
  if (variable !== undefined) return Object.hasOwn(variables, variable) ? (variables[variable] ?? null) : null;
  return context(CONTEXT.exec(source)?.[1] ?? "");
}
