/**
 * Finds the handler: `folder/file.function`, an ES module or CommonJS, with AWS's error types where it is not there.
 */
import { existsSync } from "node:fs";
import { resolve, sep } from "node:path";
import { pathToFileURL } from "node:url";
import type { Context } from "./context.ts";
import { RuntimeError } from "./errors.ts";

export type Handler = (event: unknown, context: Context) => Promise<unknown>;
type Callback = (error: unknown, result?: unknown) => void;

const EXTENSIONS = ["", ".js", ".mjs", ".cjs"];

export async function loadHandler(taskRoot: string, name: string): Promise<Handler> {
  const { file, path } = split(name);
  const base = resolve(taskRoot, file);
  if (!base.startsWith(resolve(taskRoot) + sep))
    throw new RuntimeError("Runtime.MalformedHandlerName", `'${name}' leaves the function's folder`);
  const found = EXTENSIONS.map((extension) => base + extension).find((candidate) => existsSync(candidate));
  if (found === undefined) throw new RuntimeError("Runtime.ImportModuleError", `Error: Cannot find module '${file}'`);
  return asPromise(findFunction(await importModule(found), path, name));
}

function split(name: string): { file: string; path: readonly string[] } {
  const slash = name.lastIndexOf("/") + 1;
  const dot = name.indexOf(".", slash);
  if (dot === -1 || dot === name.length - 1 || name.includes(".."))
    throw new RuntimeError("Runtime.MalformedHandlerName", "Bad handler");
  return { file: name.slice(0, dot), path: name.slice(dot + 1).split(".") };
}

async function importModule(file: string): Promise<Record<string, unknown>> {
  try {
    return (await import(pathToFileURL(file).href)) as Record<string, unknown>;
  } catch (error) {
    if (error instanceof SyntaxError)
      throw new RuntimeError("Runtime.UserCodeSyntaxError", `SyntaxError: ${error.message}`, { cause: error });
    const code = (error as NodeJS.ErrnoException | null)?.code;
    if (code === "MODULE_NOT_FOUND" || code === "ERR_MODULE_NOT_FOUND") {
      throw new RuntimeError("Runtime.ImportModuleError", `Error: ${(error as Error).message}`, { cause: error });
    }
    throw error;
  }
}

function findFunction(
  module: Record<string, unknown>,
  path: readonly string[],
  name: string,
): (...args: unknown[]) => unknown {
  for (const root of [module, module["default"]]) {
    let value: unknown = root;
    for (const key of path) value = (value as Record<string, unknown> | null | undefined)?.[key];
    if (typeof value === "function") return value as (...args: unknown[]) => unknown;
  }
  throw new RuntimeError("Runtime.HandlerNotFound", `${name} is undefined or not exported`);
}

/** Async functions and callback ones. */
function asPromise(run: (...args: unknown[]) => unknown): Handler {
  return (event, context) =>
    new Promise((resolvePromise, reject) => {
      const callback: Callback = (error, result) =>
        error === null || error === undefined ? resolvePromise(result) : reject(error);
      const returned = run(event, context, callback);
      const isThenable = typeof (returned as PromiseLike<unknown> | null | undefined)?.then === "function";
      if (isThenable || run.length < 3) resolvePromise(returned);
    });
}
