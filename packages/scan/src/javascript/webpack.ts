/**
 * Takes bundles of webpack (5, and 4 below it) apart again into the modules that they were made of, minified or not:
 *
 *     (() => { var TABLE = { ID: (module, exports, require) => { … }, … };
 *              function REQUIRE(id) { … TABLE[id](…) … }
 *              the entry's own code; module.exports = … })()
 *     module.exports = (function (TABLE) { function REQUIRE(id) { … } return REQUIRE(REQUIRE.s = ID) })({ ID: function … })
 *
 * Exports are getters: `require.d(exports, { name: () => local })`, `require.d(exports, "name", function () { return
 * local })`.
 */
import { boundNames, childrenOf, isFunction, keyOf, unwrap } from "./syntax.ts";
import type { Node } from "./values.ts";

export interface Bundle {
  /** The entry's statements. Where it has no block of its own, the bundler's are among them. */
  readonly entry: readonly Node[];
  /** Name that they have for `exports`. */
  readonly exports: string;
  readonly modules: ReadonlyMap<string, Node>;
  /** The function that a module is asked of; null where all are in the entry. */
  readonly require: Node | null;
}

/** Reads a bundle; null where the file is none. */
export function readBundle(body: readonly Node[]): Bundle | null {
  const block = blockOf(body);
  if (block === null) return readOldBundle(body);
  const outer = statementsOf(block);
  const table = findTable(outer);
  const asks =
    table === null ? null : (outer.flatMap(functionsOf).find((node) => readsTable(node, table.name)) ?? null);
  const exported = outer.map(moduleExports).find((name) => name !== null);
  const found = entryOf(outer, exported ?? "exports");
  const isBundle = asks !== null || (exported !== undefined && found.entry.some((node) => exportsOf(node).length > 0));
  return isBundle
    ? { ...found, modules: asks === null ? new Map() : (table?.modules ?? new Map()), require: asks }
    : null;
}

function readOldBundle(body: readonly Node[]): Bundle | null {
  const [only, ...others] = body.filter((node) => node.type !== "EmptyStatement");
  const assignment = only?.type === "ExpressionStatement" ? unwrap(only["expression"] as Node) : null;
  const call = assignment?.type === "AssignmentExpression" ? unwrap(assignment["right"] as Node) : null;
  if (only === undefined || assignment === null || call?.type !== "CallExpression" || others.length > 0) return null;
  const fn = unwrap(call["callee"] as Node);
  const [table] = call["arguments"] as Node[];
  const modules = table === undefined ? null : functionsIn(table);
  if (!isFunction(fn) || modules === null || (fn["body"] as Node).type !== "BlockStatement") return null;
  const statements = (fn["body"] as Node)["body"] as Node[];
  const [name = ""] = (fn["params"] as Node[]).flatMap(boundNames);
  const require = statements.find((node) => node.type === "FunctionDeclaration" && readsTable(node, name)) ?? null;
  const start = statements
    .flatMap((node) => (node.type === "ReturnStatement" && node["argument"] !== null ? [node["argument"] as Node] : []))
    .at(-1);
  const first = start?.type === "CallExpression" ? (start["arguments"] as Node[])[0] : undefined;
  if (require === null || start === undefined || first === undefined) return null;
  const id = first.type === "AssignmentExpression" ? first["right"] : first;
  const entry = { ...only, expression: { ...assignment, right: { ...start, arguments: [id] } } } as Node;
  return { entry: [entry], exports: "exports", modules, require };
}

/** Lists the functions in `{ ID: function … }` or `[function …]`, which has holes. */
function functionsIn(table: Node): ReadonlyMap<string, Node> | null {
  const entries =
    table.type === "ArrayExpression"
      ? (table["elements"] as Array<Node | null>).flatMap((each, index) =>
          each === null ? [] : [[String(index), unwrap(each)] as const],
        )
      : table.type === "ObjectExpression"
        ? (table["properties"] as Node[]).map((each) => [keyOf(each), unwrap((each["value"] ?? each) as Node)] as const)
        : [];
  if (entries.length === 0 || !entries.every(([key, value]) => key !== null && isFunction(value))) return null;
  return new Map(entries.map(([key, value]) => [key ?? "", value]));
}

/**
 * Its own block, if it has one: there its names are apart from the bundler's. `exported` is what is set as
 * `module.exports` in the end.
 */
function entryOf(outer: readonly Node[], exported: string): Pick<Bundle, "entry" | "exports"> {
  const blocks = outer.map(calledBlock).filter((block) => block !== null && block.flatMap(declaredNames).length > 0);
  const [block] = blocks;
  if (block === null || block === undefined || blocks.length > 1) return { entry: outer, exports: "exports" };
  let exports = exported;
  // `var exports = __webpack_exports__;`
  const entry = statementsOf(block).flatMap((node) => {
    if (node.type !== "VariableDeclaration") return [node];
    const declarations = node["declarations"] as Node[];
    const alias = declarations.find((each) => (each["init"] as Node | null)?.["name"] === exported);
    if (alias === undefined) return [node];
    exports = String((alias["id"] as Node)["name"]);
    return [{ ...node, declarations: declarations.filter((each) => each !== alias) }];
  });
  return { entry, exports };
}

/** Takes the wrapping off a module's function: its statements, and its names for `module`, `exports` and `require`. */
export function readModule(fn: Node): { readonly body: readonly Node[]; readonly names: readonly string[] } {
  const names = (fn["params"] as Node[]).map((param) => String(param["name"] ?? ""));
  const block = fn["body"] as Node;
  const body =
    block.type === "BlockStatement"
      ? statementsOf(block["body"] as Node[])
      : [{ ...block, type: "ExpressionStatement", expression: block } as Node];
  const [only] = body;
  return { body: (body.length === 1 && only !== undefined ? asyncBody(only) : null) ?? body, names };
}

/** `require.d(exports, { a: () => b })`: [a, the node of b]. */
export function exportsOf(statement: Node): ReadonlyArray<readonly [string, Node]> {
  const call = statement.type === "ExpressionStatement" ? unwrap(statement["expression"] as Node) : statement;
  if (
    call.type !== "CallExpression" ||
    (call["callee"] as Node).type !== "MemberExpression" ||
    keyOf(call["callee"] as Node) !== "d"
  )
    return [];
  const [, object, getter] = call["arguments"] as Node[];
  if (object?.type === "Literal" && getter !== undefined && isFunction(getter)) {
    const [returned] =
      (getter["body"] as Node).type === "BlockStatement" ? ((getter["body"] as Node)["body"] as Node[]) : [];
    return returned?.type === "ReturnStatement" ? [[String(object["value"]), returned["argument"] as Node]] : [];
  }
  if (object?.type !== "ObjectExpression") return [];
  const getters = (object["properties"] as Node[]).map(
    (each) => [keyOf(each), each["value"] as Node | undefined] as const,
  );
  const isAll = getters.every(
    ([key, value]) =>
      key !== null && value?.type === "ArrowFunctionExpression" && (value["params"] as Node[]).length === 0,
  );
  return isAll ? getters.map(([key, value]) => [key ?? "", (value as Node)["body"] as Node] as const) : [];
}

function blockOf(body: readonly Node[]): readonly Node[] | null {
  const [only, ...others] = body.filter(
    (node) => node.type !== "EmptyStatement" && typeof node["directive"] !== "string",
  );
  if (only?.type !== "ExpressionStatement" || others.length > 0) return null;
  return calledBlock(only);
}

/** Returns the statements of `(() => { … })()`. */
function calledBlock(statement: Node): readonly Node[] | null {
  const call = statement.type === "ExpressionStatement" ? unwrap(statement["expression"] as Node) : statement;
  if (call.type !== "CallExpression" || (call["arguments"] as Node[]).length > 0) return null;
  const fn = unwrap(call["callee"] as Node);
  if (!isFunction(fn) || (fn["params"] as Node[]).length > 0 || (fn["body"] as Node).type !== "BlockStatement")
    return null;
  return (fn["body"] as Node)["body"] as Node[];
}

/** Splits statements, so that each has one expression. */
function statementsOf(block: readonly Node[]): readonly Node[] {
  return block.flatMap((node) => {
    const expression = node.type === "ExpressionStatement" ? unwrap(node["expression"] as Node) : null;
    if (expression?.type !== "SequenceExpression") return [node];
    return (expression["expressions"] as Node[]).map(
      (each) => ({ ...node, start: each.start, expression: each }) as Node,
    );
  });
}

function declaredNames(node: Node): string[] {
  if (node.type === "VariableDeclaration")
    return (node["declarations"] as Node[]).flatMap((each) => boundNames(each["id"] as Node));
  return node.type === "FunctionDeclaration" || node.type === "ClassDeclaration"
    ? boundNames(node["id"] as Node | null)
    : [];
}

function findTable(
  statements: readonly Node[],
): { readonly name: string; readonly modules: ReadonlyMap<string, Node> } | null {
  for (const statement of statements.filter((node) => node.type === "VariableDeclaration")) {
    for (const each of statement["declarations"] as Node[]) {
      const object = each["init"] === null ? null : unwrap(each["init"] as Node);
      const modules = object === null || (each["id"] as Node).type !== "Identifier" ? null : functionsIn(object);
      if (modules !== null) return { name: String((each["id"] as Node)["name"]), modules };
    }
  }
  return null;
}

/** Lists functions that are declared, or called where they stand: `var e = function e(id) { … }(1)`. */
function functionsOf(statement: Node): Node[] {
  if (statement.type === "FunctionDeclaration") return [statement];
  if (statement.type !== "VariableDeclaration") return [];
  const values = (statement["declarations"] as Node[]).map((each) =>
    each["init"] === null ? null : unwrap(each["init"] as Node),
  );
  return values.flatMap((value) => {
    const fn = value?.type === "CallExpression" ? unwrap(value["callee"] as Node) : null;
    return fn?.type === "FunctionExpression" && fn["id"] !== null ? [fn] : [];
  });
}

/** Says whether a function has `TABLE[id]`, with its parameter for the id. */
function readsTable(fn: Node, table: string): boolean {
  const [id] = (fn["params"] as Node[]).flatMap(boundNames);
  const visit = (node: Node): boolean => {
    const isRead =
      node.type === "MemberExpression" && node["computed"] === true && (node["object"] as Node)["name"] === table;
    return (isRead && (node["property"] as Node)["name"] === id) || childrenOf(node).some(visit);
  };
  return id !== undefined && visit(fn["body"] as Node);
}

/** Reads the name in `module.exports = NAME`. */
function moduleExports(statement: Node): string | null {
  const expression = statement.type === "ExpressionStatement" ? unwrap(statement["expression"] as Node) : null;
  if (expression?.type !== "AssignmentExpression") return null;
  const left = expression["left"] as Node;
  if (left.type !== "MemberExpression" || (left["object"] as Node)["name"] !== "module" || keyOf(left) !== "exports")
    return null;
  return ((expression["right"] as Node)["name"] as string | undefined) ?? null;
}

/** `require.a(module, async (…) => { try { … } catch … })`: a module that waits at its top. */
function asyncBody(statement: Node): readonly Node[] | null {
  const call = statement.type === "ExpressionStatement" ? unwrap(statement["expression"] as Node) : null;
  if (
    call?.type !== "CallExpression" ||
    (call["callee"] as Node).type !== "MemberExpression" ||
    keyOf(call["callee"] as Node) !== "a"
  )
    return null;
  const fn = (call["arguments"] as Node[])[1];
  if (fn === undefined || !isFunction(fn) || (fn["body"] as Node).type !== "BlockStatement") return null;
  const [only] = (fn["body"] as Node)["body"] as Node[];
  return statementsOf(
    (only?.type === "TryStatement" ? (only["block"] as Node) : (fn["body"] as Node))["body"] as Node[],
  );
}
