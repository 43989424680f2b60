/** Snapshot hazards in JavaScript and TypeScript, without running it. */
import { readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { Catalog } from "../catalog/lookup.ts";
import { JAVASCRIPT_SOURCES } from "../catalog/javascript.ts";
import type { RawFinding, RawScan } from "../finding.ts";
import { createWalk } from "./interpreter.ts";
import { fileOf, isDependency, lineOf, Modules } from "./modules.ts";
import { type KeptEvent, ScanState } from "./state.ts";
import { unwrap } from "./syntax.ts";
import type { Module, Node } from "./values.ts";
import { exportsOf } from "./webpack.ts";

export interface ScanOptions {
  /** `src/index.handler`; null: everything that looks like one. */
  readonly handler: string | null;
  readonly withDependencies: boolean;
}

const SKIPPED = new Set([
  "node_modules",
  "test",
  "tests",
  "__tests__",
  "coverage",
  "cdk.out",
  "fixtures",
  "examples",
  "docs",
  "__mocks__",
]);
const SOURCE = /\.[mc]?[jt]sx?$/;
const NO_SOURCE = /\.d\.[mc]?ts$|\.(test|spec)\.[mc]?[jt]sx?$|\.config\.[mc]?[jt]s$|\.min\.js$/;
const HANDLER_NAME = /^(handler|lambda_?handler|.*Handler)$/i;
const PLAIN_HANDLER_NAME = /^(handler|lambda_?handler)$/i;
const FILES_MAX = 20_000;

export function scanJavaScript(root: string, options: ScanOptions): RawScan {
  const modules = new Modules(root, options.withDependencies);
  const state = new ScanState(new Catalog(JAVASCRIPT_SOURCES));
  const walk = createWalk(state, modules);
  const entries = options.handler === null ? findHandlers(modules) : namedHandler(modules, options.handler);
  for (const { module } of entries) walk.runModule(module);
  for (const { module, name } of entries) cureByHandler(state, module, name);
  state.phase = "before-snapshot";
  for (const fn of state.before) walk.enter(fn, [], null);
  state.phase = "after-restore";
  for (const fn of state.after) walk.enter(fn, [], null);
  return {
    findings: report(state, options.withDependencies),
    handlers: entries.map(({ module, name }) => `${module.file.replace(SOURCE, "")}.${name}`),
    problems: modules.problems,
    files: modules
      .all()
      .filter((module) => module.isRun || [...(module.bundle?.made.values() ?? [])].some((each) => each.isRun)).length,
  };
}

interface Entry {
  readonly module: Module;
  readonly name: string;
}

function namedHandler(modules: Modules, handler: string): Entry[] {
  const at = handler.indexOf(".", handler.lastIndexOf("/") + 1);
  const path = fileOf(resolve(modules.root, at === -1 ? handler : handler.slice(0, at)), true);
  const module = path === null ? null : modules.load(path);
  return module === null ? [] : [{ module, name: at === -1 ? "handler" : handler.slice(at + 1) }];
}

function findHandlers(modules: Modules): Entry[] {
  const found: Entry[] = [];
  let count = 0;
  const visit = (dir: string): void => {
    for (const entry of readdirSync(dir, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = join(dir, entry.name);
      if (entry.isDirectory()) {
        if (!SKIPPED.has(entry.name) && !entry.name.startsWith(".")) visit(path);
      } else if (entry.isFile() && SOURCE.test(entry.name) && !NO_SOURCE.test(entry.name) && ++count <= FILES_MAX) {
        const module = modules.loadIfMentions(path, /handler/i);
        if (module !== null) found.push(...entriesOf(module, modules));
      }
    }
  };
  visit(modules.root);
  return found;
}

function entriesOf(module: Module, modules: Modules): Entry[] {
  const names = handlersOf(module);
  if (names.length > 0 || module.bundle === undefined) return names.map((name) => ({ module, name }));
  // The entry only hands on what one of the bundle's modules exports.
  return [...module.bundle.modules.keys()].flatMap((id) => {
    const made = modules.bundled(module, id);
    if (made === null || !("isRun" in made)) return [];
    return handlersOf(made)
      .filter((name) => PLAIN_HANDLER_NAME.test(name))
      .map((name) => ({ module: made, name }));
  });
}

/** Exports with a handler's name. */
function handlersOf(module: Module): string[] {
  const names = module.body.flatMap((node) => [
    ...esmExports(node),
    ...commonJsExports(node, module),
    ...exportsOf(node).map(([name]) => name),
  ]);
  return [...new Set(names)].filter((name) => HANDLER_NAME.test(name));
}

function esmExports(node: Node): string[] {
  if (node.type !== "ExportNamedDeclaration" || node["exportKind"] === "type") return [];
  const declaration = node["declaration"] as Node | null;
  if (declaration?.type === "FunctionDeclaration") return [(declaration["id"] as Node)["name"] as string];
  if (declaration?.type === "VariableDeclaration")
    return (declaration["declarations"] as Node[]).map((each) => String((each["id"] as Node)["name"]));
  return ((node["specifiers"] ?? []) as Node[]).map((each) => String((each["exported"] as Node)["name"]));
}

function commonJsExports(node: Node, { source, names: own }: Module): string[] {
  if (node.type !== "ExpressionStatement") return [];
  let at = unwrap(node["expression"] as Node);
  const names: string[] = [];
  while (at.type === "AssignmentExpression") {
    const left = at["left"] as Node;
    const text = source
      .slice(left.start, left.end)
      .replace(/^\w+/, (root) => (root === own.module ? "module" : root === own.exports ? "exports" : `${root}?`));
    const name = /^(?:module\.)?exports\.(\w+)$/.exec(text)?.[1];
    if (name !== undefined) names.push(name);
    at = unwrap(at["right"] as Node);
    if (text === "module.exports" && at.type === "ObjectExpression")
      for (const each of at["properties"] as Node[])
        if (each.type === "Property") names.push(String((each["key"] as Node)["name"]));
  }
  // esbuild: `__export(src_exports, { handler: () => handler })`
  if (at.type === "CallExpression" && (at["callee"] as Node)["name"] === "__export") {
    const object = (at["arguments"] as Node[])[1];
    if (object?.type === "ObjectExpression")
      for (const each of object["properties"] as Node[])
        if (each.type === "Property") names.push(String((each["key"] as Node)["name"]));
  }
  return names;
}

/** Module state that the handler sets anew in each invoke, before anything else can. */
function cureByHandler(state: ScanState, module: Module, name: string): void {
  const value = module.exported.props?.get(name) ?? module.scope.values.get(module.exports.get(name) ?? name);
  const body = value?.fn?.node["body"] as Node | undefined;
  if (body?.type !== "BlockStatement") return;
  for (const statement of body["body"] as Node[]) {
    const expression = statement.type === "ExpressionStatement" ? unwrap(statement["expression"] as Node) : null;
    const left = expression?.type === "AssignmentExpression" ? (expression["left"] as Node) : null;
    if (left?.type === "Identifier") state.cured.add(ScanState.keyOf(module, left["name"] as string));
  }
}

function report(state: ScanState, withDependencies: boolean): RawFinding[] {
  const found = new Map<string, RawFinding>();
  const add = (event: KeptEvent, kept: string | null): void => {
    const { module } = event.place;
    const { line, column } = lineOf(module.source, event.place.offset);
    if (!withDependencies && (isDependency(module.path) || isBundledDependency(module.source, event.place.offset)))
      return;
    const key = `${event.label.rule} ${module.file}:${line}`;
    if (found.has(key)) return;
    const source = {
      file: event.label.place.module.file,
      line: lineOf(event.label.place.module.source, event.label.place.offset).line,
    };
    const phase = event.phase === "before-snapshot" ? "before-snapshot" : "init";
    found.set(key, {
      rule: event.label.rule,
      file: module.file,
      line,
      column,
      kept,
      what: event.label.what,
      phase,
      source,
    });
  };
  for (const [key, { module, name, events }] of state.kept) {
    const root = /^[\w$]+/.exec(name)?.[0] ?? "";
    const isExport = name.startsWith("exports.") || name === "module.exports";
    if (state.cured.has(key)) continue;
    const isLive =
      (root !== name && !isExport) || module.live.has(name) || (name === "module.exports" && isImported(module));
    const isExported = isExport || [...module.exports.values()].includes(name);
    // What only the runtime imports matters by what its functions and objects hold.
    for (const event of events) if (isLive || (isExported && event.label.keptAt !== undefined)) add(event, event.name);
  }
  for (const effect of state.effects.values()) if (!state.curedEffects.has(effect.source)) add(effect, null);
  return [...found.values()];
}

function isImported(module: Module): boolean {
  return [...module.live].some((name) => name.startsWith("exports."));
}

/** esbuild writes `// node_modules/…` before each module that it took in. */
function isBundledDependency(source: string, offset: number): boolean {
  const at = Math.max(source.lastIndexOf("\n// ", offset), source.startsWith("// ") ? 0 : -1);
  if (at === -1) return false;
  const marks = [...source.slice(0, offset).matchAll(/^\/\/ (\S+\.[mc]?[jt]sx?)$/gm)];
  return marks.at(-1)?.[1]?.includes("node_modules/") === true;
}
