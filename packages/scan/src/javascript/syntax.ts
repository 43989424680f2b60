/** Questions about a syntax tree that need no interpretation. */
import { visitorKeys } from "oxc-parser";
import type { Node } from "./values.ts";

const FUNCTIONS = new Set(["FunctionDeclaration", "FunctionExpression", "ArrowFunctionExpression"]);
const WRAPPERS = new Set([
  "ParenthesizedExpression",
  "ChainExpression",
  "TSAsExpression",
  "TSSatisfiesExpression",
  "TSNonNullExpression",
  "TSTypeAssertion",
  "TSInstantiationExpression",
  "AwaitExpression",
]);

export function isFunction(node: Node): boolean {
  return FUNCTIONS.has(node.type);
}

/** Takes parentheses, types, `await` and `?.` off an expression. */
export function unwrap(node: Node): Node {
  let at = node;
  while (WRAPPERS.has(at.type)) at = (at["expression"] ?? at["argument"]) as Node;
  return at;
}

export function childrenOf(node: Node): Node[] {
  const found: Node[] = [];
  for (const key of visitorKeys[node.type] ?? []) {
    const value = node[key] as Node | ReadonlyArray<Node | null> | null | undefined;
    if (value === null || value === undefined) continue;
    if (!Array.isArray(value)) found.push(value as Node);
    else for (const each of value as ReadonlyArray<Node | null>) if (each !== null) found.push(each);
  }
  return found;
}

/** The name of a property that is written down: `a.name`, `a["name"]`, `{ name: … }`. */
export function keyOf(node: Node): string | null {
  const key = (node["property"] ?? node["key"]) as Node | undefined;
  if (key === undefined) return null;
  if (key.type === "Literal") return String(key["value"]);
  if (key.type === "PrivateIdentifier") return `#${String(key["name"])}`;
  return node["computed"] === true || key.type !== "Identifier" ? null : (key["name"] as string);
}

export function boundNames(pattern: Node | null | undefined): string[] {
  if (pattern === null || pattern === undefined) return [];
  switch (pattern.type) {
    case "Identifier":
      return [pattern["name"] as string];
    case "ObjectPattern":
      return (pattern["properties"] as Node[]).flatMap((each) =>
        boundNames((each["value"] ?? each["argument"]) as Node),
      );
    case "ArrayPattern":
      return (pattern["elements"] as Array<Node | null>).flatMap(boundNames);
    case "AssignmentPattern":
      return boundNames(pattern["left"] as Node);
    case "RestElement":
      return boundNames(pattern["argument"] as Node);
    case "TSParameterProperty":
      return boundNames(pattern["parameter"] as Node);
    default:
      return [];
  }
}

/** Names that a function (with those inside it) reads from outside. Only assigned is not read. */
export function freeReads(fn: Node): Set<string> {
  const reads = new Set<string>();
  const bound = new Set<string>((fn["params"] as Node[]).flatMap(boundNames));
  const visit = (node: Node, parent: Node | null): void => {
    if (node.type === "VariableDeclarator") for (const name of boundNames(node["id"] as Node)) bound.add(name);
    if (node !== fn && isFunction(node)) {
      const name = (node["id"] as Node | null)?.["name"] as string | undefined;
      if (name !== undefined) bound.add(name);
      for (const each of freeReads(node)) reads.add(each);
      return;
    }
    if (node.type === "Identifier" && isRead(node, parent)) reads.add(node["name"] as string);
    for (const child of childrenOf(node)) visit(child, node);
  };
  for (const child of childrenOf(fn)) visit(child, fn);
  for (const name of bound) reads.delete(name);
  return reads;
}

function isRead(node: Node, parent: Node | null): boolean {
  if (parent === null) return true;
  if (parent.type === "MemberExpression") return parent["object"] === node || parent["computed"] === true;
  if (parent.type === "Property" || parent.type === "PropertyDefinition" || parent.type === "MethodDefinition")
    return parent["value"] === node || parent["computed"] === true || parent["shorthand"] === true;
  if (parent.type === "AssignmentExpression") return !(parent["left"] === node && parent["operator"] === "=");
  return (
    !parent.type.startsWith("TS") ||
    parent.type === "TSAsExpression" ||
    parent.type === "TSNonNullExpression" ||
    parent.type === "TSSatisfiesExpression"
  );
}

/** Collects all that any function of a module reads from outside itself. */
export function readInFunctions(body: readonly Node[]): Set<string> {
  const reads = new Set<string>();
  const visit = (node: Node): void => {
    if (isFunction(node)) for (const name of freeReads(node)) reads.add(name);
    else for (const child of childrenOf(node)) visit(child);
  };
  for (const node of body) visit(node);
  return reads;
}

/**
 * Collects the names behind all that a function hands out and that lives on: reads of the functions in its return
 * values and in what it puts into objects.
 */
export function capturedReads(fn: Node): Set<string> {
  const reads = new Set<string>();
  const declared = new Map<string, Node>();
  const handedOut: Node[] = [];
  const visit = (node: Node): void => {
    if (node.type === "FunctionDeclaration") declared.set((node["id"] as Node)["name"] as string, node);
    if (node.type === "VariableDeclarator" && node["init"] !== null && isFunction(node["init"] as Node))
      for (const name of boundNames(node["id"] as Node)) declared.set(name, node["init"] as Node);
    if (node.type === "ReturnStatement" && node["argument"] !== null) handedOut.push(node["argument"] as Node);
    if (node.type === "AssignmentExpression" && (node["left"] as Node).type === "MemberExpression")
      handedOut.push(node["right"] as Node);
    if (!isFunction(node)) for (const child of childrenOf(node)) visit(child);
  };
  const body = fn["body"] as Node;
  if (body.type === "BlockStatement") for (const child of body["body"] as Node[]) visit(child);
  else handedOut.push(body);
  for (const node of declared.values()) visitFunctionsIn(node, () => undefined);
  const seen = new Set<string>();
  const take = (node: Node): void => {
    visitFunctionsIn(node, (inner) => {
      for (const name of freeReads(inner)) reads.add(name);
    });
    for (const name of identifiersIn(node)) {
      const found = declared.get(name);
      if (found === undefined || seen.has(name)) continue;
      seen.add(name);
      take(found);
    }
  };
  for (const node of handedOut) take(node);
  return reads;
}

function visitFunctionsIn(node: Node, found: (fn: Node) => void): void {
  if (isFunction(node)) found(node);
  else for (const child of childrenOf(node)) visitFunctionsIn(child, found);
}

/** Lists identifiers whose value itself is handed out: `return f`, `return { f, g: h }`, not `return f(x)`. */
function identifiersIn(node: Node): string[] {
  const at = unwrap(node);
  if (at.type === "Identifier") return [at["name"] as string];
  if (at.type === "ObjectExpression")
    return (at["properties"] as Node[]).flatMap((each) => identifiersIn((each["value"] ?? each["argument"]) as Node));
  if (at.type === "ArrayExpression")
    return (at["elements"] as Array<Node | null>).flatMap((each) => (each === null ? [] : identifiersIn(each)));
  return [];
}

/** The name of an identifier, or the text of a string that stands for one; empty for null. */
export function nameOf(node: Node | null): string {
  return node === null ? "" : String(node["name"] ?? node["value"] ?? "");
}
