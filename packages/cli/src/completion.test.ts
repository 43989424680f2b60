/** Completion as bash itself does it, and the manual page as man reads it. */
import { execFileSync, spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, it } from "vitest";

const CLI = join(import.meta.dirname, "../bin/thaw.mjs");

function thaw(...args: string[]): string {
  return execFileSync(process.execPath, [CLI, ...args], { encoding: "utf8" });
}

describe("completion", () => {
  const script = thaw("completion", "bash");
  const complete = (...words: string[]): readonly string[] => {
    const test = `${script}\nCOMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _thaw; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return execFileSync("bash", ["-c", test, "bash", "thaw", ...words], { encoding: "utf8" })
      .trim()
      .split("\n");
  };

  it.for([
    [["sna"], ["snapshots"]],
    [
      ["snapshots", ""],
      ["ls", "inspect", "verify", "--help"],
    ],
    [["snapshots", "verify", "--l"], ["--local"]],
    [["deploy", "--env"], ["--env-vars"]],
    [["serve", "--pool"], ["--pool"]],
    [["man"], [""]],
  ] as const)("of %j", ([words, expected], { expect }) => {
    expect(complete(...words)).toEqual(expected);
  });

  it("exists for zsh and fish, with the same commands, and for no other shell", { timeout: 60_000 }, ({ expect }) => {
    for (const shell of ["zsh", "fish"]) {
      const text = thaw("completion", shell);
      for (const word of ["deploy", "env-vars", "snapshots", "parked-clones"]) expect(text).toContain(word);
    }
    const { status, stderr } = spawnSync(process.execPath, [CLI, "completion", "tcsh"], { encoding: "utf8" });
    expect([status, stderr]).toEqual([1, "thaw: completion tcsh: expected bash, zsh, fish\n"]);
  });
});

/** Installed by npm run matrix (tools/install-shells.sh), and tried where they are. */
const has = (shell: string): boolean => spawnSync(shell, ["-c", "true"]).status === 0;

describe("in the shell itself", { timeout: 60_000 }, () => {
  it.skipIf(!has("zsh"))("zsh reads the script", ({ expect }) => {
    const { status, stderr } = spawnSync("zsh", ["-nf"], { input: thaw("completion", "zsh"), encoding: "utf8" });
    expect([status, stderr]).toEqual([0, ""]);
  });

  it.skipIf(!has("fish"))("fish completes commands, options and names", ({ expect }) => {
    const script = thaw("completion", "fish");
    const complete = (line: string): readonly string[] => {
      const test = `${script}\nfunction thaw; echo orders; end; complete -C '${line}'`;
      const found = execFileSync("fish", ["--no-config", "-c", test], { encoding: "utf8" });
      return found
        .trim()
        .split("\n")
        .map((each) => each.split("\t")[0] ?? "");
    };
    expect(complete("thaw sna")).toEqual(["snapshots"]);
    expect(complete("thaw snapshots verify --lo")).toEqual(["--local"]);
    expect(complete("thaw invoke or")).toEqual(["orders"]);
  });
});

it("has a text and examples for each command", { timeout: 60_000 }, ({ expect }) => {
  const page = thaw("man-page");
  const sections = page.split("\n.SS ").slice(1);
  expect(sections.length).toBeGreaterThan(20);
  const bare = sections.filter(
    (text) =>
      !text.includes("Examples:") &&
      !/^thaw (?:environments|snapshots|keys|accounts|engines|images|runtimes|invoke)\n/.test(text),
  );
  expect(bare.map((text) => text.split("\n")[0])).toEqual([]);
});

it.for([
  ["help", "serve"],
  ["serve", "--help"],
  ["backup", "--help"],
  ["restore", "--help"],
])("answers %j", { timeout: 60_000 }, (args, { expect }) => {
  expect(thaw(...args)).toMatch(/^Usage: thaw (?:serve|backup|restore) /);
});
