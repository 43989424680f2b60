/** Which sources are looked at before a save goes into a function. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { Sources } from "./syntax.ts";

let root: string;
let sources: Sources;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "syntax-"));
  sources = new Sources();
});

afterEach(() => rmSync(root, { recursive: true }));

function write(name: string, text: string): void {
  mkdirSync(join(root, name, ".."), { recursive: true });
  writeFileSync(join(root, name), text);
}

const problem = async (): Promise<string | null> => (await sources.look(root, "nodejs24.x")).problem;

it("names the place of a fault, until it is mended", async () => {
  write("index.mjs", "export const handler = 1;\n");
  sources.accept(root, "nodejs24.x");
  write("lib/broken.mjs", "export const value = ;\n");
  expect(await problem()).toMatch(/lib\/broken\.mjs:1\n[^]*SyntaxError: Unexpected token ';'/);
  // Another save does not make it whole.
  write("index.mjs", "export const handler = 22;\n");
  expect(await problem()).toContain("broken.mjs");
  write("lib/broken.mjs", "export const value = 333;\n");
  expect(await problem()).toBe(null);
});

it("lets code pass that Node.js takes, whatever another parser thinks", async () => {
  write("index.js", "if (module.exports) { return; }\n");
  write("modern.mjs", "const { promise } = Promise.withResolvers();\nawait Promise.race([promise, 1]);\n");
  write("page.html.js", "exports.page = `</script>`;\n");
  expect(await problem()).toBe(null);
});

it("leaves alone what was broken before, and packages of others", async () => {
  write("fixtures/broken.js", "const = ;\n");
  sources.accept(root, "nodejs24.x");
  write("node_modules/other/index.js", "const = ;\n");
  write("index.js", "exports.handler = () => 1;\n");
  expect(await problem()).toBe(null);
});
