/**
 * strip-types.ts FROM TO: each .ts of a folder as .mjs and each .cts as .cjs, types replaced by blanks, so that lines
 * and columns stay.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { join } from "node:path";

const [from, to] = process.argv.slice(2);
if (from === undefined || to === undefined) throw new Error("usage: strip-types.ts FROM TO");
for (const name of readdirSync(from)) {
  if (!/\.c?ts$/.test(name) || name.endsWith(".test.ts")) continue;
  const code = stripTypeScriptTypes(readFileSync(join(from, name), "utf8"));
  writeFileSync(
    join(to, name.replace(/\.ts$/, ".mjs").replace(/\.cts$/, ".cjs")),
    code.replaceAll(/(from\s+"\.[^"]*)\.ts"/g, '$1.mjs"'),
  );
}
