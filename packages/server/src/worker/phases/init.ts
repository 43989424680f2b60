/** The Init phase: the runtime is started and has to reach its first long poll. On demand, within an invoke, and at publish. */
import type { Deadline, EnvironmentCore } from "../environment/core.ts";
import { describeExit, type Failure, failureErrorType } from "../function-errors.ts";
import { primeRuntime } from "./prime.ts";
import type { PhaseStatus } from "../telemetry/platform-log.ts";

export type InitResult =
  | { readonly kind: "ready"; readonly durationMs: number }
  | { readonly kind: "failed"; readonly durationMs: number; readonly failure: Failure };

export interface InitOptions {
  /** `invoke`: Init is tried again within the invoke, under the function's timeout. */
  readonly phase: "init" | "invoke";
  readonly deadline: Deadline;
}

export async function runInit(core: EnvironmentCore, options: InitOptions): Promise<InitResult> {
  const { log, version, recipe } = core;
  const { initializationType } = core;
  log.beginPhase();
  log.writePlatform({
    kind: "init-start",
    functionName: version.functionName,
    version: version.version,
    phase: options.phase,
    initializationType,
    runtimeVersion: recipe.runtimeVersion,
    runtimeVersionArn: recipe.runtimeVersionArn,
  });
  const endInit = core.phases.start("init");
  const started = await startRuntime(core, options.deadline);
  const failure = started ?? (core.isSnapStart ? await primeRuntime(core, options.deadline) : null);
  const durationMs = endInit();
  log.flushOutput();
  // AWS reports a good Init only with SnapStart and provisioned concurrency; on demand its duration is in REPORT.
  if (failure !== null || initializationType !== "on-demand") {
    const status = toPhaseStatus(failure);
    log.writePlatform({
      kind: "init-report",
      report: { durationMs, phase: options.phase, initializationType, status },
    });
  }
  return failure === null ? { kind: "ready", durationMs } : { kind: "failed", durationMs, failure };
}

export function toPhaseStatus(failure: Failure | null): PhaseStatus {
  if (failure === null) return { kind: "success" };
  return failure.kind === "timeout" ? { kind: "timeout" } : { kind: "error", errorType: failureErrorType(failure) };
}

async function startRuntime(core: EnvironmentCore, deadline: Deadline): Promise<Failure | null> {
  try {
    await core.spawnRuntime();
  } catch (error) {
    return spawnFailure(core, error);
  }
  const result = await core.waitFor(deadline, ["restore-next", "invocation-next"]);
  return result.kind === "event" ? null : result.failure;
}

function spawnFailure(core: EnvironmentCore, error: unknown): Failure {
  const code = error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? error.message) : String(error);
  core.reportProblem("start the runtime", error);
  if (core.wrapper !== null) return wrapperFailure(core, core.wrapper, code);
  const program = core.runtimeArgv[0] ?? "";
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

/** As AWS's bootstrap, a shell script, says it: a line in the log, and the shell's exit status. */
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
