/**
 * The beginning of Init for a container image: its entry point is started, as its settings and the function's own say.
 * Where it can't be, the log has AWS's line (environment-behaviour, section 9).
 */
import { RUNTIME_PROCESS } from "../agents/runtime.ts";
import type { Brought } from "../core/brought.ts";
import type { EnvironmentCore } from "../core/core.ts";
import { SpawnFailedError } from "../../ports/supervisor.ts";
import type { RunnableImage } from "../../model/image.ts";
import type { ExitFailure, Failure } from "../function-errors.ts";
import { explainStart, GO_TEXT, isProgramThere } from "./start-problem.ts";

/** Folders beyond it are not looked at: PATH is the image's. */
const PATH_FOLDERS_MAX = 100;

/** Null: it runs. Throws what the link throws where the sandbox is lost. */
export async function startImage(
  core: EnvironmentCore,
  { sandbox, processes }: Brought,
  image: RunnableImage,
  env: Readonly<Record<string, string>>,
): Promise<Failure | null> {
  const [program, ...args] = [...image.entryPoint, ...image.command];
  if (program === undefined) return notStarted(core, image, "Runtime.InvalidEntrypoint", "no entry point or command");
  const cwd = image.workingDirectory;
  let failed = new SpawnFailedError("ENOENT");
  let path = program;
  for (path of placesOf(program, env["PATH"] ?? "")) {
    try {
      await sandbox.link.spawn({ name: RUNTIME_PROCESS, argv: [path, ...args], env, cwd });
      processes.add(RUNTIME_PROCESS);
      return null;
    } catch (error) {
      if (!(error instanceof SpawnFailedError)) throw error;
      failed = error;
      if (failed.isDirectoryWrong || isProgramThere(failed)) break;
    }
  }
  core.reportProblem("start the image's program", failed);
  return explainFailure(core, image, { program, path, failed });
}

interface Tried {
  /** As the image names it. */
  readonly program: string;
  /** The last place that was tried. */
  readonly path: string;
  readonly failed: SpawnFailedError;
}

function explainFailure(core: EnvironmentCore, image: RunnableImage, { program, path, failed }: Tried): Failure {
  const text = GO_TEXT[failed.code] ?? failed.code;
  if (failed.isDirectoryWrong)
    return notStarted(core, image, "Runtime.InvalidWorkingDir", `chdir ${image.workingDirectory}: ${text}`);
  if (!isProgramThere(failed) && !program.includes("/"))
    return notStarted(
      core,
      image,
      "Runtime.InvalidEntrypoint",
      `exec: "${program}": executable file not found in $PATH`,
    );
  const failure = notStarted(core, image, "Runtime.InvalidEntrypoint", `fork/exec ${path}: ${text}`);
  const explanation = explainStart(path, failed, process.arch);
  if (explanation === null) return failure;
  core.log.writeLine(`[thaw] ${explanation}`);
  return { ...failure, explanation };
}

function notStarted(
  core: EnvironmentCore,
  { entryPoint, command, workingDirectory }: RunnableImage,
  errorType: ExitFailure["errorType"],
  message: string,
): ExitFailure {
  const list = (texts: readonly string[]): string => `[${texts.join(",")}]`;
  core.log.writeLine(
    `IMAGE\tLaunch error: ${message}\tEntrypoint: ${list(entryPoint)}\tCmd: ${list(command)}\tWorkingDir: [${workingDirectory}]`,
  );
  return { kind: "exit", errorType, message };
}

/** A name without a slash is looked for in the folders of PATH, as a shell does. */
function placesOf(program: string, path: string): readonly string[] {
  if (program.includes("/")) return [program];
  const folders = path.split(":").slice(0, PATH_FOLDERS_MAX);
  return folders.filter((folder) => folder.startsWith("/")).map((folder) => `${folder}/${program}`);
}
