/** Keys that an object of a JSON text has twice: JSON.parse keeps the last one, and says nothing of the others. */

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]/gs;

interface Open {
  readonly path: string;
  /** Null: a list. */
  readonly keys: Set<string> | null;
  /** The member that is being read. */
  key: string;
  item: number;
  isAtKey: boolean;
}

/** `text` is JSON that JSON.parse has read. Gives paths, such as `Outputs.A.Value[1]`. */
export function jsonDoubles(text: string): readonly string[] {
  const doubles: string[] = [];
  const stack: Open[] = [];
  for (const [token] of text.matchAll(TOKEN)) {
    const top = stack.at(-1);
    if (token === "{" || token === "[")
      stack.push({ path: pathIn(top), keys: token === "{" ? new Set() : null, key: "", item: 0, isAtKey: true });
    else if (token === "}" || token === "]") stack.pop();
    else if (top === undefined) continue;
    else if (token === ":") top.isAtKey = false;
    else if (token === ",") {
      top.isAtKey = true;
      top.item++;
    } else if (top.keys !== null && top.isAtKey) {
      top.key = JSON.parse(token) as string;
      if (top.keys.has(top.key)) doubles.push(pathIn(top));
      top.keys.add(top.key);
    }
  }
  return doubles;
}

function pathIn(open: Open | undefined): string {
  if (open === undefined) return "";
  if (open.keys === null) return `${open.path}[${open.item}]`;
  return open.path === "" ? open.key : `${open.path}.${open.key}`;
}
