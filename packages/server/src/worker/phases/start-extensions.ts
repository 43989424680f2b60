/**
 * The first part of Init: each program of /opt/extensions is started, and has to register before the runtime is
 * started. As AWS does it (aws-lambda-runtime-interface-emulator, rapid/handlers.go): every entry that is no directory
 * is executed without arguments, in the order of the names; the first one that can't be started ends Init.
 */
import { extensionProcess } from "../agents/extension.ts";
import { untilReady } from "../core/flow.ts";
import type { Brought } from "../core/brought.ts";
import type { EnvironmentCore } from "../core/core.ts";
import type { Deadline } from "../core/events.ts";
import { SpawnFailedError } from "../../ports/supervisor.ts";
import type { Failure, LaunchErrorType } from "../function-errors.ts";
import { EXTENSIONS_MAX } from "../runtime-api/extensions.ts";
import { explainStart, GO_TEXT } from "./start-problem.ts";
import { runtimeEnvironment } from "./start-runtime.ts";

const DIRECTORY = "/opt/extensions";
/** The supervisor's names of processes are shorter than 256 bytes. */
const NAME_SIZE_BYTES_MAX = 200;

/** Variables of the runtime that AWS keeps from extensions, besides those that begin with an underscore. */
const RUNTIME_ONLY: ReadonlySet<string> = new Set([
  "AWS_EXECUTION_ENV",
  "AWS_LAMBDA_LOG_GROUP_NAME",
  "AWS_LAMBDA_LOG_STREAM_NAME",
  "AWS_XRAY_CONTEXT_MISSING",
  "AWS_XRAY_DAEMON_ADDRESS",
  "LAMBDA_RUNTIME_DIR",
  "LAMBDA_TASK_ROOT",
]);

/**
 * Starts the external extensions and waits until they have registered. Null: all have, or there are none. Throws what
 * the link throws where the sandbox is lost.
 */
export async function startExtensions(
  core: EnvironmentCore,
  brought: Brought,
  deadline: Deadline,
): Promise<Failure | null> {
  const names = await listExtensions(brought);
  for (const name of names) {
    const failure = await startExtension(core, brought, name);
    if (failure !== null) return failure;
  }
  return names.length === 0 ? null : untilReady(core, brought, deadline, "registered");
}

async function listExtensions({ sandbox }: Brought): Promise<readonly string[]> {
  const entries = await sandbox.link.list(DIRECTORY);
  return entries.filter(({ isDirectory }) => !isDirectory).map(({ name }) => name);
}

async function startExtension(core: EnvironmentCore, brought: Brought, name: string): Promise<Failure | null> {
  const { extensions, sandbox, processes } = brought;
  const isOneTooMany = extensions.all.length >= EXTENSIONS_MAX;
  const extension = extensions.addExternal(name);
  const path = `${DIRECTORY}/${name}`;
  const fail = (launchErrorType: LaunchErrorType, message: string, explanation: string | null): Failure => {
    extensions.failLaunch(extension, launchErrorType);
    if (explanation !== null) core.log.writeLine(`[thaw] ${explanation}`);
    return {
      kind: "exit",
      errorType: "Extension.LaunchError",
      launchErrorType,
      message,
      ...(explanation === null ? {} : { explanation }),
    };
  };
  if (isOneTooMany) return fail("TooManyExtensions", `too many extensions: the limit is ${EXTENSIONS_MAX}`, null);
  if (Buffer.byteLength(name) > NAME_SIZE_BYTES_MAX)
    return fail("UnknownError", `fork/exec ${path}: ${GO_TEXT["ENAMETOOLONG"]}`, null);
  const process = extensionProcess(name);
  try {
    await sandbox.link.spawn({ name: process, argv: [path], env: extensionEnvironment(core), cwd: "/" });
    processes.add(process);
    return null;
  } catch (error) {
    if (!(error instanceof SpawnFailedError)) throw error;
    core.reportProblem("start an extension", error);
    return fail(
      error.code === "EACCES" || error.code === "EPERM" ? "PermissionDenied" : "UnknownError",
      `fork/exec ${path}: ${GO_TEXT[error.code] ?? error.code}`,
      explainStart(path, error, globalThis.process.arch),
    );
  }
}

function extensionEnvironment(core: EnvironmentCore): Readonly<Record<string, string>> {
  const variables = Object.entries(runtimeEnvironment(core));
  return Object.fromEntries(variables.filter(([name]) => !name.startsWith("_") && !RUNTIME_ONLY.has(name)));
}
