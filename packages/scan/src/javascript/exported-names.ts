/** The names that a module gives to those who import it, as far as its text tells them. */
import { parseSync } from "oxc-parser";

/** Ways of CommonJS to export what the text does not name. */
const UNNAMED = /(?:__exportStar|__reExport|Object\.(?:assign|defineProperty|defineProperties)) ?\(|exports ?\[|\.\.\./;
const WHOLE = /(?:module\.exports|\bexport) ?= ?(?![{ ])/;

/** True: an import of the module finds the name, or may find it. */
export function mayExport(path: string, source: string, name: string): boolean {
  const { module, errors } = parseSync(path, source);
  // A file that can't be parsed is somebody else's complaint.
  if (errors.some(({ severity }) => severity === "Error")) return true;
  if ((!module.hasModuleSyntax && !/\.m[jt]s$/.test(path)) || /\bexport ?=/.test(source))
    return source.includes(name) || UNNAMED.test(source) || WHOLE.test(source);
  return module.staticExports
    .flatMap(({ entries }) => entries)
    .some(({ exportName, importName, isType }) => {
      if (isType) return false;
      if (exportName.kind === "None") return importName.kind === "AllButDefault";
      return exportName.kind === "Default" ? name === "default" : exportName.name === name;
    });
}
