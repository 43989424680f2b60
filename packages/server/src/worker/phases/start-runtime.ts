/** The beginning of Init: the runtime's process is started, by the function's wrapper script where there is one. */
import { RUNTIME_PROCESS } from "../agents/runtime.ts";
import type { Brought } from "../core/brought.ts";
import type { EnvironmentCore } from "../core/core.ts";
import { SpawnFailedError } from "../../ports/supervisor.ts";
import { describeExit, type ExitFailure, type Failure } from "../function-errors.ts";
import { buildEnvironmentVariables } from "../runtime-api/environment-variables.ts";
import { startImage } from "./start-image.ts";
import { explainStart, isProgramThere, startFailure } from "./start-problem.ts";

const WRAPPER_VARIABLE = "AWS_LAMBDA_EXEC_WRAPPER";
/** AWS's number (recorded …test_lambda_init_environment, java17). Python's client takes the variable out again. */
const RECORDS = { fd: 62, variable: "_LAMBDA_TELEMETRY_LOG_FD" } as const;

/** Where a custom runtime may be in a layer, if it is not in the function's own package. */
const LAYER_BOOTSTRAP = "/opt/bootstrap";

interface Tried {
  readonly path: string;
  readonly failed: SpawnFailedError;
}

/** Starts the runtime process. Null: it runs. Throws what the link throws where the sandbox is lost. */
export async function startRuntime(core: EnvironmentCore, brought: Brought): Promise<Failure | null> {
  const { image } = core.version;
  if (image !== null) return startImage(core, brought, image, runtimeEnvironment(core));
  const { sandbox, processes } = brought;
  const wrapper = wrapperOf(core);
  const argv = runtimeArgv(core, wrapper);
  const isCustom = core.version.runtime.startsWith("provided");
  const records = core.recipe.writesRecords ? { records: RECORDS } : {};
  const env = runtimeEnvironment(core);
  const start = async (command: readonly string[]): Promise<Tried | null> => {
    try {
      await sandbox.link.spawn({ name: RUNTIME_PROCESS, argv: command, env, cwd: "/var/task", ...records });
      processes.add(RUNTIME_PROCESS);
      return null;
    } catch (error) {
      if (!(error instanceof SpawnFailedError)) throw error;
      return { path: command[0] ?? "", failed: error };
    }
  };
  let tried = await start(argv);
  if (tried !== null && isCustom && core.version.optName !== null && !isProgramThere(tried.failed)) {
    const second = await start([LAYER_BOOTSTRAP]);
    if (second === null || isProgramThere(second.failed)) tried = second;
  }
  return tried === null ? null : failureOf(core, wrapper, tried);
}

function failureOf(core: EnvironmentCore, wrapper: string | null, { path, failed }: Tried): Failure {
  core.reportProblem("start the runtime", failed);
  const isCustom = core.version.runtime.startsWith("provided");
  const failure = wrapper === null ? startFailure(path, isCustom, failed) : wrapperFailure(core, wrapper, failed);
  const explanation = explainStart(path, failed, process.arch);
  if (explanation === null) return failure;
  core.log.writeLine(`[thaw] ${explanation}`);
  return { ...failure, explanation };
}

/** The script that starts a managed runtime in the function's way; null without one, and for custom runtimes. */
function wrapperOf({ version: { runtime, environment } }: EnvironmentCore): string | null {
  return (!runtime.startsWith("provided") && environment[WRAPPER_VARIABLE]) || null;
}

/** AWS: "Modifying the runtime environment", wrapper scripts. */
function runtimeArgv({ version, recipe, isSnapStart }: EnvironmentCore, wrapper: string | null): readonly string[] {
  const { memorySizeMib, environment } = version;
  const argv = recipe.argv({ memorySizeMib, environment, snapStart: isSnapStart });
  return wrapper === null ? argv : [wrapper, ...argv];
}

/** Returns the variables of the runtime's process. */
export function runtimeEnvironment(core: EnvironmentCore): Readonly<Record<string, string>> {
  return buildEnvironmentVariables(
    core.version,
    core.recipe,
    core.token === null
      ? { kind: "variables", credentials: core.currentCredentials(), logStream: core.log.logStream }
      : { kind: "endpoint", token: core.token },
    { initializationType: core.initializationType, metadataToken: core.metadataToken },
    core.services.limits.variablesOf(core.version),
  );
}

/** AWS's bootstrap is a shell script, and says it as one: a line in the log, and the shell's exit status. */
function wrapperFailure(core: EnvironmentCore, wrapper: string, failed: SpawnFailedError): ExitFailure {
  const isMissing = failed.code === "ENOENT";
  const reason = isMissing
    ? failed.program?.kind === "file"
      ? "can't be started: no such file or directory"
      : "does not exist"
    : failed.code === "EACCES"
      ? "is not an executable"
      : `can't be started: ${failed.code}`;
  core.log.writeOutput("runtime", "stdout", Buffer.from(`${wrapper}: ${reason}\n`));
  return {
    kind: "exit",
    errorType: "Runtime.ExitError",
    message: describeExit({ code: isMissing ? 127 : 126, signal: null }),
  };
}
