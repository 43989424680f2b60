/** The beginning of Init: the runtime's process is started, by the function's wrapper script where there is one. */
import { RUNTIME_PROCESS } from "../agents/runtime.ts";
import type { Brought } from "../core/brought.ts";
import type { EnvironmentCore } from "../core/core.ts";
import { describeExit, type Failure } from "../function-errors.ts";
import { buildEnvironmentVariables } from "../runtime-api/environment-variables.ts";

const WRAPPER_VARIABLE = "AWS_LAMBDA_EXEC_WRAPPER";
/** AWS's number (recorded …test_lambda_init_environment, java17). Python's client takes the variable out again. */
const RECORDS = { fd: 62, variable: "_LAMBDA_TELEMETRY_LOG_FD" } as const;

/** Starts the runtime process. Null: it runs. */
export async function startRuntime(core: EnvironmentCore, { sandbox }: Brought): Promise<Failure | null> {
  const wrapper = wrapperOf(core);
  const argv = runtimeArgv(core, wrapper);
  try {
    const records = core.recipe.writesRecords ? { records: RECORDS } : {};
    const env = runtimeEnvironment(core);
    await sandbox.link.spawn({ name: RUNTIME_PROCESS, argv, env, cwd: "/var/task", ...records });
    return null;
  } catch (error) {
    core.reportProblem("start the runtime", error);
    const code = error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? error.message) : String(error);
    return wrapper === null ? spawnFailure(core, argv, code) : wrapperFailure(core, wrapper, code);
  }
}

/** The script that starts a managed runtime in the function's way; null without one, and for custom runtimes. */
function wrapperOf({ version: { runtime, environment } }: EnvironmentCore): string | null {
  return (!runtime.startsWith("provided") && environment[WRAPPER_VARIABLE]) || null;
}

/** AWS: "Modifying the runtime environment", wrapper scripts. */
function runtimeArgv({ version, recipe, isSnapStart }: EnvironmentCore, wrapper: string | null): readonly string[] {
  const { handler, memorySizeMib } = version;
  const argv = recipe.argv({ handler, memorySizeMib, snapStart: isSnapStart });
  return wrapper === null ? argv : [wrapper, ...argv];
}

function runtimeEnvironment(core: EnvironmentCore): Readonly<Record<string, string>> {
  return buildEnvironmentVariables(
    core.version,
    core.recipe,
    core.token === null
      ? { kind: "variables", credentials: core.currentCredentials(), logStream: core.log.logStream }
      : { kind: "endpoint", token: core.token },
    core.initializationType,
  );
}

function spawnFailure(core: EnvironmentCore, argv: readonly string[], code: string): Failure {
  const program = argv[0] ?? "";
  if (code.includes("ENOENT")) {
    const isProvided = core.version.runtime.startsWith("provided");
    const places = isProvided ? "/var/task/bootstrap /opt/bootstrap" : program;
    return {
      kind: "exit",
      errorType: "Runtime.InvalidEntrypoint",
      message: `Couldn't find valid bootstrap(s): [${places}]`,
    };
  }
  const reason = code.includes("EACCES") ? "permission denied" : code;
  return { kind: "exit", errorType: "Runtime.InvalidEntrypoint", message: `fork/exec ${program}: ${reason}` };
}

/** AWS's bootstrap is a shell script, and says it as one: a line in the log, and the shell's exit status. */
function wrapperFailure(core: EnvironmentCore, wrapper: string, code: string): Failure {
  const isMissing = code.includes("ENOENT");
  const reason = isMissing
    ? "does not exist"
    : code.includes("EACCES")
      ? "is not an executable"
      : `can't be started: ${code}`;
  core.log.writeOutput("runtime", "stdout", Buffer.from(`${wrapper}: ${reason}\n`));
  return {
    kind: "exit",
    errorType: "Runtime.ExitError",
    message: describeExit({ code: isMissing ? 127 : 126, signal: null }),
  };
}
