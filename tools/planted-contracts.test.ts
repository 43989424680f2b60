/**
 * What is declared once, and read on both sides: an option without its line in the reference, and an answer of Thaw's
 * own API that one side has otherwise, do not pass `npm run check`.
 */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, it } from "vitest";

const ROOT = resolve(import.meta.dirname, "..");
const TIMEOUT = { timeout: 60_000 };

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "thaw-planted-"));
});
afterEach(() => rmSync(root, { recursive: true }));

function run(program: string, ...args: readonly string[]): { readonly status: number | null; readonly output: string } {
  const done = spawnSync(join(ROOT, "node_modules/.bin", program), args, { cwd: root, encoding: "utf8" });
  return { status: done.status, output: `${done.stdout}${done.stderr}` };
}

/** A repository with the server's source of its own, and all else as it is. */
function copyServer(): void {
  for (const path of ["packages/server/package.json", "packages/server/src", "tools", "docs/reference"])
    cpSync(join(ROOT, path), join(root, path), { recursive: true });
  for (const name of readdirSync(join(ROOT, "packages")))
    if (name !== "server") symlinkSync(join(ROOT, "packages", name), join(root, "packages", name));
  mkdirSync(join(root, "node_modules/@thaw"), { recursive: true });
  for (const name of readdirSync(join(ROOT, "node_modules")))
    if (name !== "@thaw") symlinkSync(join(ROOT, "node_modules", name), join(root, "node_modules", name));
  for (const name of readdirSync(join(root, "packages")))
    symlinkSync(join(root, "packages", name), join(root, "node_modules/@thaw", name));
}

const checkConfiguration = (): ReturnType<typeof run> => run("node", "tools/generate-configuration.ts", "--check");

it("an undocumented option is found", TIMEOUT, ({ expect }) => {
  copyServer();
  expect(checkConfiguration()).toMatchObject({ status: 0 });
  const table = join(root, "packages/server/src/main/options/table.ts");
  const text = readFileSync(table, "utf8");
  const planted = text.replace(
    "export const OPTIONS = {",
    'export const OPTIONS = { planted: { ...LIMIT_OPTIONS.parkedMax, name: "planted", variable: "THAW" + "_PLANTED" },',
  );
  expect(planted).not.toBe(text);
  writeFileSync(table, planted);
  const { status, output } = checkConfiguration();
  expect(output).toMatch(/configuration\.md is not what the tables say/);
  expect(status).not.toBe(0);
});

describe("of Thaw's own API", () => {
  const compile = (text: string): ReturnType<typeof run> => {
    writeFileSync(join(root, "package.json"), '{ "type": "module" }');
    symlinkSync(join(ROOT, "node_modules"), join(root, "node_modules"));
    const config = { extends: join(ROOT, "tsconfig.base.json"), files: ["planted.ts"] };
    writeFileSync(join(root, "tsconfig.json"), JSON.stringify(config));
    writeFileSync(join(root, "planted.ts"), text);
    return run("tsc", "-p", ".");
  };
  const CLIENT = 'import type { AnswerOf } from "@thaw/thaw-api";\n';
  const SERVER = `import type { Handlers } from "${join(ROOT, "packages/server/src/http/fronts/thaw/handlers.ts")}";\n`;

  it("a client that reads what is declared compiles", TIMEOUT, ({ expect }) => {
    expect(compile(`${CLIENT}export const a = (answer: AnswerOf<"listKeys">): unknown => answer.keys;\n`)).toEqual({
      status: 0,
      output: "",
    });
  });

  it("a client that reads what the server does not send is found", TIMEOUT, ({ expect }) => {
    const { status, output } = compile(
      `${CLIENT}export const a = (answer: AnswerOf<"listKeys">): unknown => answer.notSent;\n`,
    );
    expect(output).toMatch(/planted\.ts.*TS2339.*notSent/);
    expect(status).not.toBe(0);
  });

  it("a server that does not send what is declared is found", TIMEOUT, ({ expect }) => {
    const { status, output } = compile(
      `${SERVER}export const a: Handlers<"listKeys"> = { listKeys: () => ({ kees: [] }) };\n`,
    );
    expect(output).toMatch(/planted\.ts.*TS2322/);
    expect(status).not.toBe(0);
  });
});
