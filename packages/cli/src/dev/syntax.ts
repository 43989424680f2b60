/**
 * Looks at changed sources before they are put into a function: a save in the middle of a word is shown, and the code
 * so far goes on. Only files that changed since the last good look are read, so that one that was broken for long, such
 * as a fixture of tests, stops nobody.
 */
import { execFile } from "node:child_process";
import { existsSync, readFileSync, type Stats, statSync } from "node:fs";
import { delimiter, dirname, join, relative } from "node:path";
import { thawHomeOf } from "@thaw/installation";
import { listReleases } from "@thaw/installation/releases";
import { parses } from "@thaw/scan/javascript/parses";
import { listFiles } from "../deploy/folder-files.ts";

const TIMEOUT_MS = 30_000;
const OUTPUT_BYTES_MAX = 1024 * 1024;
/** Files of foreign packages are as their authors made them. */
const FOREIGN = /(?:^|\/)(?:node_modules|site-packages)\//;
const PYTHON_CHECK = `
import sys
for path in sys.stdin.buffer.read().split(b"\\0"):
    try:
        with open(path, "rb") as source:
            compile(source.read(), path.decode("utf-8", "replace"), "exec", dont_inherit=True)
    except SyntaxError as fault:
        sys.exit(f"{fault.filename}:{fault.lineno}: {type(fault).__name__}: {fault.msg}")
    except (OSError, ValueError) as fault:
        sys.exit(f"{path.decode('utf-8', 'replace')}: {fault}")
`;

export interface Look {
  /** Null: nothing is wrong. */
  readonly problem: string | null;
  /** Sentence about what could not be looked at; null: all could. */
  readonly note: string | null;
}

type Marks = ReadonlyMap<string, string>;

const FINE: Look = { problem: null, note: null };

export class Sources {
  /** By runtime and root. */
  readonly #good = new Map<string, Marks>();

  /** Takes the files of a root as they are. */
  accept(root: string, runtime: string): void {
    this.#good.set(`${runtime} ${root}`, marksOf(root));
  }

  /** What comes out good is the measure of the next look. */
  async look(root: string, runtime: string): Promise<Look> {
    const now = marksOf(root);
    const before = this.#good.get(`${runtime} ${root}`) ?? new Map<string, string>();
    const changed = [...now].flatMap(([path, mark]) => (before.get(path) === mark ? [] : [path]));
    const look = runtime.startsWith("python")
      ? await lookAtPython(
          root,
          changed.filter((path) => path.endsWith(".py")),
          runtime,
        )
      : runtime.startsWith("nodejs")
        ? await lookAtJavaScript(
            root,
            changed.filter((path) => /\.[cm]?js$/.test(path)),
          )
        : FINE;
    if (look.problem === null) this.#good.set(`${runtime} ${root}`, now);
    return look;
  }
}

/** What tells a file from its next state, by path; foreign packages are left out. */
function marksOf(root: string): Marks {
  const found = statSync(root, { throwIfNoEntry: false });
  if (found === undefined) return new Map();
  if (!found.isDirectory()) return new Map([[root, markOf(found)]]);
  return new Map(
    listFiles(root).flatMap(({ name, content }) => {
      if (content.kind === "link" || FOREIGN.test(name)) return [];
      const stats = statSync(content.path, { throwIfNoEntry: false });
      return stats === undefined ? [] : [[content.path, markOf(stats)] as const];
    }),
  );
}

function markOf({ ino, size, mtimeMs, ctimeMs }: Stats): string {
  return [ino, size, mtimeMs, ctimeMs].join(" ");
}

async function lookAtJavaScript(root: string, paths: readonly string[]): Promise<Look> {
  for (const path of paths) {
    if (parses(path, readFileSync(path, "utf8"))) continue;
    // The parser in this process is quick; Node.js has the last word.
    const complaint = await run(process.execPath, ["--check", path], "");
    if (complaint !== null) return { problem: shorten(root, complaint), note: null };
  }
  return FINE;
}

/** Node.js's own lines of the stack, and its version, say nothing about the code. */
function shorten(root: string, complaint: string): string {
  return complaint
    .split("\n")
    .filter((line) => line.trim() !== "" && !/^\s+at |^Node\.js v/.test(line))
    .join("\n")
    .replaceAll(`${dirname(root)}/`, "");
}

async function lookAtPython(root: string, paths: readonly string[], runtime: string): Promise<Look> {
  if (paths.length === 0) return FINE;
  const [python] = pythonsOf(runtime);
  if (python === undefined)
    return {
      problem: null,
      note: `${runtime} is not on this host: the syntax of Python is not looked at before a save`,
    };
  const complaint = await run(python.program, [...python.args, "-c", PYTHON_CHECK], paths.join("\0"), python.env);
  return complaint === null
    ? FINE
    : { problem: complaint.replace(`${root}/`, `${relative(dirname(root), root)}/`), note: null };
}

interface Python {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Those of exactly this version, for an older one does not know all of the syntax: the one that functions of a server
 * on this host have, with the libraries of its own system, else one of this host's.
 */
function pythonsOf(runtime: string): readonly Python[] {
  const runtimes = join(thawHomeOf(process.env), "runtimes");
  const installed = listReleases(runtimes, runtime).flatMap((name): Python[] => {
    const system = join(runtimes, name);
    const loader = join(system, "lib64/ld-linux-x86-64.so.2");
    const program = join(system, "usr/bin", runtime);
    if (!existsSync(loader) || !existsSync(program)) return [];
    const libraries = ["lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu"].map((path) => join(system, path)).join(":");
    const args = ["--library-path", libraries, program, "-S", "-B", "-X", "utf8"];
    return [{ program: loader, args, env: { PYTHONHOME: join(system, "usr") } }];
  });
  const own = (process.env["PATH"] ?? "")
    .split(delimiter)
    .map((folder) => join(folder, runtime))
    .filter((path) => existsSync(path))
    .map((program) => ({ program, args: ["-I", "-S", "-B", "-X", "utf8"], env: {} }));
  return [...installed, ...own];
}

/** Gives what the program complains of; null: it ended well. */
function run(
  program: string,
  args: readonly string[],
  input: string,
  env: Readonly<Record<string, string>> = {},
): Promise<string | null> {
  return new Promise((done) => {
    const options = { timeout: TIMEOUT_MS, maxBuffer: OUTPUT_BYTES_MAX, env: { ...process.env, ...env } };
    const child = execFile(program, args, options, (error, _output, complaints) => {
      done(error === null ? null : complaints.trim() || error.message);
    });
    // A program that could not be started does not read.
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(input);
  });
}
