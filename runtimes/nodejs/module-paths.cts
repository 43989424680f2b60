/**
 * Lets `import` find modules in the folders of NODE_PATH as well, where `require` looks for them: AWS's builds of Node.js
 * do so since 18 ("Node.js 18.x runtime now available in AWS Lambda"), those of nodejs.org do not. Loaded by `--require`,
 * so also in worker threads and in processes made by `fork`.
 *
 * Also takes our own part out of NODE_OPTIONS, which loads these files before those that the function's part names, and
 * out of NODE_EXTRA_CA_CERTS, which Node.js itself has read by then.
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

/** Signs for the server's service door, to which custom resources answer. */
const OWN_AUTHORITY = "/etc/thaw-ca.pem";

function hideOwnOptions(): void {
  if (process.env["NODE_EXTRA_CA_CERTS"] === OWN_AUTHORITY) delete process.env["NODE_EXTRA_CA_CERTS"];
  const options = process.env["NODE_OPTIONS"]?.replace(OWN_OPTIONS, "").trim();
  if (options === "") delete process.env["NODE_OPTIONS"];
  else if (options !== undefined) process.env["NODE_OPTIONS"] = options;
}

/**
 * The same for Node.js 20, whose hooks run in a thread of their own, where nothing is but their text. CommonJS takes no
 * conditions there, so Node.js itself looks in folders of the name node_modules.
 */
async function resolveApart(
  specifier: string,
  context: Module.ResolveHookContext,
  next: (specifier: string, context?: Partial<Module.ResolveHookContext>) => Promise<Module.ResolveFnOutput>,
): Promise<Module.ResolveFnOutput> {
  const folders = (process.env["NODE_PATH"] ?? "").split(":").filter((path) => path.endsWith("/node_modules"));
  const parents = [context.parentURL, ...folders.map((path) => pathToFileURL(`${path}/../index.mjs`).href)];
  let first: unknown;
  for (const parentURL of parents) {
    try {
      return await next(specifier, { ...context, parentURL });
    } catch (error) {
      if (!isBare(specifier) || (error as NodeJS.ErrnoException | null)?.code !== "ERR_MODULE_NOT_FOUND") throw error;
      first ??= error;
    }
  }
  return { url: pathToFileURL(findInPaths(specifier, context, first)).href, shortCircuit: true };
}

function registerApart(): void {
  const builtins =
    'const nodeModule = process.getBuiltinModule("node:module"), { pathToFileURL } = process.getBuiltinModule("node:url");';
  const functions = [isBare, findInPaths, resolveApart].map(String).join("\n");
  const source = `${builtins}\n${functions}\nexport { resolveApart as resolve };`;
  nodeModule.register(`data:text/javascript,${encodeURIComponent(source)}`);
}

hideOwnOptions();
// Node.js 20 has no hooks in the thread itself.
if (typeof nodeModule.registerHooks === "function") nodeModule.registerHooks({ resolve });
else registerApart();
