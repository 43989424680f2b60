/** The names that a module of Python has, as far as its lines tell without running it. */

/** Ways to make names that the text does not have. */
const UNNAMED = /\bimport \*|\b__getattr__\b|\bglobals\(|\bsetattr\(|\bexec\(/;

/** True: the module has the name, or may have it. */
export function mayBind(source: string, name: string): boolean {
  if (UNNAMED.test(source)) return true;
  const word = new RegExp(`(?<![\\w.])${name.replace(/[^\w]/g, "\\$&")}(?!\\w)`);
  return source.split("\n").some((line) => {
    const text = line.trimStart();
    if (text.startsWith("#") || !word.test(text)) return false;
    // A definition, an assignment, an import, also in lines of its own.
    return /^(?:async def|def|class|from|import|for|with|global) |=| as /.test(text) || /^[\w, ()]*\)?\\?$/.test(text);
  });
}
