/**
 * Lets `import` find modules in the folders of NODE_PATH as well, where `require` looks for them: AWS's builds of Node.js
 * do so since 18 ("Node.js 18.x runtime now available in AWS Lambda"), those of nodejs.org do not. Loaded by `--require`,
 * so also in worker threads and in processes made by `fork`.
 *
 * Also takes our own part out of NODE_OPTIONS, which loads these files before those that the function's part names.
 */
import type Module from "node:module";

/** Node's CommonJS resolver, with conditions: it looks in NODE_PATH's folders, and reads a package's `exports`. */
interface Resolver {
  _resolveFilename(
    name: string,
    parent: undefined,
    isMain: false,
    options: { readonly conditions: ReadonlySet<string> },
  ): string;
}

const nodeModule = process.getBuiltinModule("node:module");
const { pathToFileURL } = process.getBuiltinModule("node:url");
const OWN_OPTIONS = ["unique", "watch-file", "module-paths"]
  .map((name) => `--require=/var/runtime/${name}.cjs`)
  .join(" ");

/** A name that is looked up in folders: no path, no URL, nothing of a package's own `imports`. */
function isBare(specifier: string): boolean {
  return !/^[./#]/.test(specifier) && !specifier.includes(":");
}

function resolve(
  specifier: string,
  context: Module.ResolveHookContext,
  next: (specifier: string, context?: Partial<Module.ResolveHookContext>) => Module.ResolveFnOutput,
): Module.ResolveFnOutput {
  if (context.conditions.includes("require") || !isBare(specifier)) return next(specifier, context);
  try {
    return next(specifier, context);
  } catch (error) {
    if ((error as NodeJS.ErrnoException | null)?.code !== "ERR_MODULE_NOT_FOUND") throw error;
    return { url: pathToFileURL(findInPaths(specifier, context, error)).href, shortCircuit: true };
  }
}

/** Throws the first error where the name is in none of the folders. */
function findInPaths(specifier: string, context: Module.ResolveHookContext, first: unknown): string {
  const conditions = new Set(context.conditions);
  try {
    return (nodeModule as unknown as Resolver)._resolveFilename(specifier, undefined, false, { conditions });
  } catch (error) {
    throw (error as NodeJS.ErrnoException | null)?.code === "MODULE_NOT_FOUND" ? first : error;
  }
}

function hideOwnOptions(): void {
  const options = process.env["NODE_OPTIONS"]?.replace(OWN_OPTIONS, "").trim();
  if (options === "") delete process.env["NODE_OPTIONS"];
  else if (options !== undefined) process.env["NODE_OPTIONS"] = options;
}

hideOwnOptions();
nodeModule.registerHooks({ resolve });
