/** thaw init as a person calls it: what it writes, and what it refuses. The samples run in tests/integration. */
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, it } from "vitest";

const CLI = join(import.meta.dirname, "../bin/thaw.mjs");
const TEST_MS_MAX = { timeout: 60_000 };
let scratch: string;

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), "thaw-init-"));
});
afterAll(() => rmSync(scratch, { recursive: true }));

function thaw(cwd: string, ...args: string[]): { readonly status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [CLI, ...args], { encoding: "utf8", cwd, input: "" });
}

function folder(name: string, files: Readonly<Record<string, string>> = {}): string {
  const path = join(scratch, name);
  mkdirSync(path);
  for (const [file, text] of Object.entries(files)) writeFileSync(join(path, file), text);
  return path;
}

it("writes a sample beside what is there already, and says how to go on", TEST_MS_MAX, ({ expect }) => {
  const path = folder("beside", { "notes.txt": "mine" });
  const ran = thaw(path, "init", "--runtime", "nodejs");
  expect(ran).toMatchObject({ status: 0, stderr: "" });
  const files = [".gitignore", "README.md", "package.json", "src/app.mjs", "template.yaml", "test/app.test.mjs"];
  const next = ["npm test", "npx thaw deploy", "npx thaw invoke beside:live"];
  expect(ran.stdout).toBe(
    `${files.map((name) => `  + ${name}\n`).join("")}Next:\n${next.map((line) => `  ${line}\n`).join("")}`,
  );
  for (const name of files) expect(existsSync(join(path, name)), name).toBe(true);
  expect(readFileSync(join(path, "notes.txt"), "utf8")).toBe("mine");
  // And not a second time.
  const again = thaw(path, "init", "--runtime", "python");
  expect(again.status).toBe(1);
  expect(again.stderr).toContain("nothing was written");
  expect(again.stderr).toContain(".gitignore, README.md, template.yaml");
  expect(existsSync(join(path, "src/app.py"))).toBe(false);
});

it("makes the folder with those above it, and answers as JSON", TEST_MS_MAX, ({ expect }) => {
  const ran = thaw(scratch, "--json", "init", "new/deep one/shop", "--runtime", "java");
  expect(ran).toMatchObject({ status: 0, stderr: "" });
  expect(JSON.parse(ran.stdout)).toMatchObject({
    folder: join(scratch, "new/deep one/shop"),
    runtime: "java",
    next: [
      "(cd 'new/deep one/shop' && mvn test)",
      "(cd 'new/deep one/shop' && mvn package)",
      "npx thaw deploy 'new/deep one/shop'",
      "npx thaw invoke shop:live",
    ],
  });
  expect(readdirSync(join(scratch, "new/deep one/shop"))).toEqual([
    ".gitignore",
    "README.md",
    "pom.xml",
    "src",
    "template.yaml",
  ]);
});

it("writes nothing where a file, a link or a folder is in the way", TEST_MS_MAX, ({ expect }) => {
  const path = folder("obstacles", { src: "a file" });
  mkdirSync(join(path, "template.yaml"));
  symlinkSync("/nowhere", join(path, "test"));
  const ran = thaw(path, "init", "--runtime", "nodejs");
  expect([ran.status, ran.stdout, ran.stderr]).toEqual([
    1,
    "",
    `thaw: nothing was written: ${path} has src, template.yaml, test already. Name another folder: npx thaw init FOLDER\n`,
  ]);
  expect(readdirSync(path)).toEqual(["src", "template.yaml", "test"]);
  const onFile = thaw(path, "init", "src", "--runtime", "nodejs");
  expect([onFile.status, onFile.stderr]).toEqual([
    1,
    `thaw: ${join(path, "src")} is no folder. Name another one: npx thaw init FOLDER\n`,
  ]);
});

it("takes back what it has written where a write fails", TEST_MS_MAX, ({ expect }) => {
  const path = folder("full");
  // The fifth of its files is larger than a file may be.
  const limited = `ulimit -f 1; exec "$0" "$@"`;
  const ran = spawnSync("bash", ["-c", limited, process.execPath, CLI, "init", "some/where", "--runtime", "java"], {
    encoding: "utf8",
    cwd: path,
  });
  expect(ran.stderr).toMatch(/^thaw: nothing was written: EFBIG/);
  expect([ran.status, readdirSync(path)]).toEqual([1, []]);
});

it("lists the runtimes where none is named, or one that is not there", TEST_MS_MAX, ({ expect }) => {
  const path = folder("unnamed");
  expect(thaw(path, "init").stderr).toBe(
    "thaw: init needs a runtime. Name one: --runtime nodejs, python, typescript, java\n",
  );
  const unknown = thaw(path, "init", "--runtime", "cobol");
  expect(unknown.status).toBe(1);
  expect(unknown.stderr).toContain("'cobol' is invalid. Allowed choices are nodejs, python, typescript, java.");
  expect(readdirSync(path)).toEqual([]);
});

it("asks for the runtime on a terminal", TEST_MS_MAX, ({ expect }) => {
  const path = folder("asked");
  const ask = (answer: string): string =>
    spawnSync("script", ["-qec", `'${process.execPath}' '${CLI}' init`, "/dev/null"], {
      encoding: "utf8",
      cwd: path,
      input: answer,
    }).stdout;
  expect(ask("perl\n")).toContain("there is no sample for perl. There are: nodejs, python, typescript, java");
  expect(readdirSync(path)).toEqual([]);
  expect(ask("python\n")).toContain("Runtime (nodejs, python, typescript, java): ");
  expect(readdirSync(path)).toContain("template.yaml");
});
