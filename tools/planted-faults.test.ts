/**
 * The checkers that are not ours fail where they should: each gets a file with one fault and ends with an error that
 * names it, with the configuration of this repository. The rules of tools/architecture and tools/tidy have planted
 * faults of their own.
 */
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { describe, it } from "vitest";

const ROOT = resolve(import.meta.dirname, "..");
const CHECKERS = join(ROOT, ".thaw/checkers/bin");
const PATH = [join(ROOT, "node_modules/.bin"), CHECKERS, process.env["PATH"]].join(delimiter);

interface Planted {
  readonly what: string;
  readonly command: readonly string[];
  /** Taken from the repository as they are. */
  readonly configuration: readonly string[];
  readonly files: Readonly<Record<string, string>>;
  readonly says: RegExp;
}

const lint = (what: string, says: RegExp, files: Readonly<Record<string, string>>): Planted => ({
  what,
  command: ["oxlint", "--deny-warnings"],
  configuration: [".oxlintrc.json"],
  files,
  says,
});
const SERVER = "packages/server/src";

const PLANTED: readonly Planted[] = [
  lint("a cycle by types", /no-cycle/, {
    [`${SERVER}/control/a.ts`]: 'import type { B } from "./b.ts";\nexport interface A {\n  readonly b: B | null;\n}\n',
    [`${SERVER}/control/b.ts`]: 'import type { A } from "./a.ts";\nexport interface B {\n  readonly a: A | null;\n}\n',
  }),
  lint("the real time", /Time is injected/, {
    [`${SERVER}/worker/a.ts`]: "export const a = (): unknown => setTimeout(() => undefined, 5);\n",
  }),
  lint("real chance", /randomUUID/, {
    [`${SERVER}/control/a.ts`]: 'import { randomUUID } from "node:crypto";\nexport const a = randomUUID();\n',
  }),
  lint("a function of 71 lines", /max-lines-per-function/, {
    [`${SERVER}/worker/a.ts`]: `export function a(): void {\n${"  a();\n".repeat(69)}}\n`,
  }),
  {
    what: "unformatted TypeScript",
    command: ["biome", "format", "."],
    configuration: ["biome.json"],
    files: { [`${SERVER}/model/a.ts`]: "export const  a = {b:1}\n" },
    says: /a\.ts format/,
  },
  {
    what: "an unformatted Rust file",
    command: ["cargo", "fmt", "--all", "--check"],
    configuration: ["rustfmt.toml"],
    files: {
      "Cargo.toml": '[package]\nname = "planted"\nversion = "0.1.0"\nedition = "2021"\n',
      "src/lib.rs": "pub fn a( ) -> u8 { 1 }\n",
    },
    says: /Diff in .*lib\.rs/,
  },
  {
    what: "unformatted Python",
    command: ["ruff", "format", "--check", "--no-cache"],
    configuration: ["ruff.toml"],
    files: { "a.py": "x = {  'a':1 }\n" },
    says: /Would reformat: a\.py|unformatted/,
  },
  {
    what: "a Python name that is not defined",
    command: ["ruff", "check", "--no-cache"],
    configuration: ["ruff.toml"],
    files: { "a.py": "print(missing)\n" },
    says: /F821/,
  },
  {
    what: "an unquoted variable in a shell script",
    command: ["shellcheck", "a.sh"],
    configuration: [],
    files: { "a.sh": '#!/bin/sh\nrm -r $1/x "$2"\n' },
    says: /SC2086/,
  },
  {
    what: "a crate with a licence that is not allowed",
    command: ["cargo-deny", "--offline", "check", "licenses"],
    configuration: ["deny.toml"],
    files: {
      "Cargo.toml": '[package]\nname = "planted"\nversion = "0.1.0"\nedition = "2021"\nlicense = "GPL-3.0-only"\n',
      "Cargo.lock": 'version = 4\n\n[[package]]\nname = "planted"\nversion = "0.1.0"\n',
      "src/lib.rs": "",
    },
    says: /licenses FAILED/,
  },
  {
    what: "a warning of javac",
    command: ["javac", "-Xlint:all", "-Werror", "-d", "out", "A.java"],
    configuration: [],
    files: { "A.java": "import java.util.List;\n\nclass A {\n    List a;\n}\n" },
    says: /\[rawtypes\]/,
  },
];

describe("npm run check", () => {
  it.for(PLANTED)("finds $what", { timeout: 60_000 }, ({ command, configuration, files, says }, { expect, skip }) => {
    const [program = "", ...args] = command;
    const isChecker = ["ruff", "shellcheck", "cargo-deny"].includes(program);
    skip(isChecker && !existsSync(join(CHECKERS, program)), "sh tools/build-checkers.sh has not run");
    const root = mkdtempSync(join(tmpdir(), "thaw-planted-"));
    try {
      for (const name of configuration) copyFileSync(join(ROOT, name), join(root, name));
      for (const [name, text] of Object.entries(files)) {
        mkdirSync(dirname(join(root, name)), { recursive: true });
        writeFileSync(join(root, name), text);
      }
      const done = spawnSync(program, args, {
        cwd: root,
        encoding: "utf8",
        env: { ...process.env, NO_COLOR: "1", PATH },
      });
      expect(`${done.stdout}${done.stderr}`).toMatch(says);
      expect(done.status).not.toBe(0);
    } finally {
      rmSync(root, { recursive: true });
    }
  });
});
