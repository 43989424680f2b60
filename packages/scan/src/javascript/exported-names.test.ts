import { it } from "vitest";
import { mayExport } from "./exported-names.ts";

const WITH = {
  "a.mjs": [
    "export const handler = 1;",
    "export async function handler() {}",
    "const x = 1; export { x as handler };",
    "export const { handler } = make();",
    "export { handler } from './b.mjs';",
    "export * from './b.mjs';",
    // Node.js will say what is wrong.
    "export const handle = ;",
  ],
  "a.js": [
    "exports.handler = 1;",
    "module.exports = { handler };",
    "module.exports = require('./b');",
    "module.exports = { ...require('./b') };",
    "__exportStar(require('./b'), exports);",
    "Object.assign(exports, require('./b'));",
    "exports[name] = 1;",
  ],
  "a.ts": ["export const handler = async (event: string): Promise<void> => {};", "export = make();"],
};
const WITHOUT = {
  "a.mjs": ["export const handlr = 1;", "const handler = 1;", "export * as all from './b.mjs';", "export default 1;"],
  "a.js": ["exports.handlr = 1;", "module.exports = { handlr };", ""],
  "a.ts": ["export type handler = string;", "export const handlr = (event: string): void => {};"],
};

it("tells whether a module may export a name", ({ expect }) => {
  for (const [path, sources] of Object.entries(WITH))
    for (const source of sources) expect([source, mayExport(path, source, "handler")]).toEqual([source, true]);
  for (const [path, sources] of Object.entries(WITHOUT))
    for (const source of sources) expect([source, mayExport(path, source, "handler")]).toEqual([source, false]);
});
