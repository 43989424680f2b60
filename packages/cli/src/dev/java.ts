/**
 * Builds Java by the project's own Maven or Gradle: incrementally, without tests, and first without a network, which a
 * save has no need of once everything was fetched.
 */
import { execFile } from "node:child_process";
import { cpSync, existsSync, rmSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { CommandError } from "@thaw/installation/command-error";

export interface JavaBuild {
  readonly tool: "maven" | "gradle";
  /** The folder of pom.xml or build.gradle, absolute. */
  readonly project: string;
  /**
   * package: the jar or zip that CodeUri names. classes: the folder of classes that it names. folder: it names the
   * project, whose classes and libraries are laid out as `sam build` does it.
   */
  readonly makes: "package" | "classes" | "folder";
}

/** A first build may fetch what it needs. */
const TIMEOUT_MS = 600_000;
const OUTPUT_BYTES_MAX = 16 * 1024 * 1024;
const SHOWN_LINES_MAX = 40;
const BUILD_FILES = {
  maven: ["pom.xml"],
  gradle: ["build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts", "gradle.properties"],
} as const;
/** Where each tool puts what it makes, and its classes in it. */
const MADE = { maven: "target", gradle: "build" } as const;
const CLASSES = { maven: join("target", "classes"), gradle: join("build", "classes", "java", "main") } as const;
const WRAPPERS = { maven: "mvnw", gradle: "gradlew" } as const;
const PROGRAMS = { maven: "mvn", gradle: "gradle" } as const;
/** Both tools say so of what they would have to fetch. */
const NEEDS_NETWORK = /offline mode/;
/** The JVM of a build is short-lived: code that is compiled quickly is enough for it. */
const MAVEN_OPTS = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC";
/**
 * Lines of Maven's and Gradle's advice and repetitions, which say nothing of the code, and of the JVM that Debian's
 * Gradle names first.
 */
const ADVICE =
  /^(?:$|openjdk version |OpenJDK |\* What went wrong:|Execution failed for task |> Compilation failed; see |Run with --|\* Get more help |COMPILATION ERROR|Failed to execute goal|-> \[Help|\[Help \d|To see the full|Re-run Maven|For more information|FAILURE: |\* Try:|> Run with|> Get more help|BUILD FAILED|\d+ errors?$)/;

/** Finds the build of a function's code; null: it is not built by what lies here. */
export function findJavaBuild(path: string, runtime: string): JavaBuild | null {
  if (!runtime.startsWith("java")) return null;
  for (let at = path; ; at = dirname(at)) {
    const tool = toolOf(at);
    if (tool !== null) return buildOf(tool, at, path);
    if (at === dirname(at)) return null;
  }
}

function toolOf(folder: string): JavaBuild["tool"] | null {
  if (existsSync(join(folder, "pom.xml"))) return "maven";
  return existsSync(join(folder, "build.gradle")) || existsSync(join(folder, "build.gradle.kts")) ? "gradle" : null;
}

function buildOf(tool: JavaBuild["tool"], project: string, path: string): JavaBuild | null {
  // Where Gradle keeps libraries is its own affair: a build of the project would have to say it.
  if (path === project) return tool === "maven" ? { tool, project, makes: "folder" } : null;
  const inProject = relative(project, path);
  if (inProject === CLASSES[tool]) return { tool, project, makes: "classes" };
  return inProject.startsWith(MADE[tool] + sep) ? { tool, project, makes: "package" } : null;
}

/** What a save of changes the code: the sources and the build itself, and nothing that the build writes. */
export function sourcesOf({ tool, project }: JavaBuild): readonly string[] {
  return ["src", ...BUILD_FILES[tool]].map((name) => join(project, name));
}

export class JavaBuilds {
  /** Builds that are under way; functions of one project share one that is the same. */
  readonly #running = new Map<string, Promise<string | null>>();
  /** The last build of each project: two at once would write the same files. */
  readonly #last = new Map<string, Promise<unknown>>();

  /** Gives the text of the errors; null: there were none. `to`: a folder, made anew, where the build lays out one. */
  build(build: JavaBuild, to: string): Promise<string | null> {
    const args = argumentsOf(build, to);
    const key = JSON.stringify([build.project, args]);
    const running = this.#running.get(key);
    if (running !== undefined) return running;
    const before = this.#last.get(build.project) ?? Promise.resolve();
    const begun = before.then(() => layOut(build, args, to)).finally(() => this.#running.delete(key));
    this.#running.set(key, begun);
    this.#last.set(
      build.project,
      begun.catch(() => undefined),
    );
    return begun;
  }
}

async function layOut(build: JavaBuild, args: readonly string[], to: string): Promise<string | null> {
  const { makes, project, tool } = build;
  if (makes !== "folder") return run(build, args);
  rmSync(to, { recursive: true, force: true });
  const problem = await run(build, args);
  if (problem !== null) return problem;
  const classes = join(project, CLASSES[tool]);
  // A file that is missing elsewhere is one that a tool is just writing, and the build would begin again and again.
  if (!existsSync(classes)) return `the build made no ${CLASSES[tool]}: is there code in src/main/java?`;
  cpSync(classes, to, { recursive: true });
  return null;
}

function argumentsOf({ tool, makes }: JavaBuild, to: string): readonly string[] {
  if (tool === "gradle") {
    // A daemon would go on when thaw dev has ended.
    const options = ["--no-daemon", "--quiet", "--console=plain"];
    return makes === "classes" ? [...options, "classes"] : [...options, "build", "-x", "test"];
  }
  const options = ["--batch-mode", "--quiet", "-DskipTests"];
  if (makes === "package") return [...options, "package"];
  if (makes === "classes") return [...options, "compile"];
  const libraries = ["dependency:copy-dependencies", "-DincludeScope=runtime", `-DoutputDirectory=${join(to, "lib")}`];
  return [...options, "compile", ...libraries];
}

async function run(build: JavaBuild, args: readonly string[]): Promise<string | null> {
  // Programs that are started in a folder which is not there seem to be missing themselves.
  if (!existsSync(build.project)) throw new CommandError(`${build.project} is not there`);
  const ahead = await runTool(build, ["--offline", ...args]);
  const output = ahead !== null && NEEDS_NETWORK.test(ahead) ? await runTool(build, args) : ahead;
  return output === null ? null : shorten(build.project, output);
}

/** All that the tool said; null: it ended well. Throws CommandError where it is not there. */
function runTool({ tool, project }: JavaBuild, args: readonly string[]): Promise<string | null> {
  const program = findWrapper(project, WRAPPERS[tool]) ?? PROGRAMS[tool];
  const env = { ...process.env, MAVEN_OPTS: process.env["MAVEN_OPTS"] ?? MAVEN_OPTS };
  const limits = { cwd: project, timeout: TIMEOUT_MS, maxBuffer: OUTPUT_BYTES_MAX, env };
  return new Promise((done, fail) => {
    execFile(program, args, limits, (error, output, complaints) => {
      if (error === null) done(null);
      else if ((error as NodeJS.ErrnoException).code === "ENOENT")
        fail(
          new CommandError(`${project} needs ${program} to be built: install it, or put ${WRAPPERS[tool]} beside it`),
        );
      else done(`${output}\n${complaints}`.trim() || error.message);
    });
  });
}

/** The wrapper of the project, or of the one that it is a module of. */
function findWrapper(project: string, name: string): string | null {
  for (let at = project; ; at = dirname(at)) {
    if (existsSync(join(at, name))) return join(at, name);
    if (at === dirname(at)) return null;
  }
}

/** Maven names each error twice, and both tools say how they are run. */
function shorten(project: string, output: string): string {
  const lines = stripVTControlCharacters(output)
    .split("\n")
    .map((line) => line.replace(/^\[ERROR\] ?/, "").trimEnd())
    .filter((line) => !ADVICE.test(line.trimStart()))
    .map((line) => line.replaceAll(`${project}${sep}`, ""));
  const shown = [...new Set(lines)];
  const more = shown.length - SHOWN_LINES_MAX;
  return [...shown.slice(0, SHOWN_LINES_MAX), ...(more > 0 ? [`and ${more} more lines`] : [])].join("\n");
}
