/** The command line: what each command takes; the work is in the modules beside. */
import { Command, type CommanderError, InvalidArgumentError } from "commander";
import { PROGRAM, VERSION } from "@thaw/installation";
import { addAccount, listAccounts, removeAccount, rotateAccount } from "./accounts.ts";
import { checkCommand } from "./check/check.ts";
import { addCompareCommand } from "./compare/commands.ts";
import { completionScript } from "./completion.ts";
import { connect } from "./connection.ts";
import { listEnvironments, stopEnvironments } from "./environments.ts";
import { consoleCommand } from "./console.ts";
import { CommandError } from "@thaw/installation/command-error";
import { GVISOR } from "@thaw/installation/engines";
import { BASE_SYSTEM, INSTALLABLE, MOTO, SAM_TRANSFORM } from "@thaw/installation/installable";
import type { ReviewOptions } from "./deploy/review.ts";
import { withTemplate } from "./deploy/with-template.ts";
import { addDevCommand } from "./dev/command.ts";
import { refuseEmpty } from "./empty-values.ts";
import { installEngine, listEngines } from "./engines.ts";
import { choiceOf } from "./did-you-mean.ts";
import { describeError } from "./errors.ts";
import { addHelp } from "./help.ts";
import { init, SAMPLE_RUNTIMES, type SampleRuntime } from "./init.ts";
import { writeBaseImage } from "./images/base-image.ts";
import { changeKey, listKeys } from "./keys.ts";
import { meantName } from "./meant-name.ts";
import { manPage } from "./man-page.ts";
import { printEnv } from "./print-env.ts";
import { showLogs } from "./logs.ts";
import { installRuntime, listRuntimes, pruneRuntimes } from "./runtimes.ts";
import type { Severity } from "@thaw/scan/rules";
import { print } from "./table.ts";
import { inspectSnapshot, listSnapshots, verifySnapshots } from "./snapshots.ts";
import { guardTerminal } from "./terminal.ts";
import { addWatchCommands } from "./watch/commands.ts";

/** `serveUsage`: the help of `thaw serve`, for completion scripts. */
export async function main(argv: readonly string[], serveUsage = ""): Promise<void> {
  process.stdout.on("error", endWithReader);
  guardTerminal(process.stdout);
  guardTerminal(process.stderr);
  const program = new Command("thaw")
    .description("Lambda SnapStart for real, self-hosted")
    .version(VERSION, "--version")
    .option("--json", "answers as JSON")
    .option("--account <id>", "act as this account of the server on this host (else THAW_ACCOUNT, else its own)")
    .option("--region <name>", "act in this region (else THAW_REGION, else the server's own)")
    .on("option:account", (account: string) => void (process.env["THAW_ACCOUNT"] = account))
    .on("option:region", (region: string) => void (process.env["THAW_REGION"] = region))
    .hook("preAction", refuseEmpty)
    .showHelpAfterError();
  program.command("serve").description("run the server (thaw serve --help)").allowUnknownOption();
  program
    .command("backup")
    .argument("<dir>", "new directory for the backup")
    .option("--data <dir>", "data directory of the server")
    .description("copy the whole state of a server, also while it runs (root)");
  program
    .command("restore")
    .argument("<dir>", "directory of the backup")
    .option("--data <dir>", "data directory to make")
    .description("make a new data directory from a backup (root)");
  addInitCommand(program);
  addFunctionCommands(program);
  addWatchCommands(program, connect, isJson);
  addScanCommand(program);
  addCompareCommand(program, { connect, isJson, runOrFail, exitOfWrongCall });
  addCheckCommand(program);
  addHostCommands(program);
  program
    .command("completion")
    .argument("<shell>", "bash, zsh or fish")
    .description("script that completes commands and options in a shell")
    .action((shell: string) => print(completionScript(shell, program, serveUsage)));
  program
    .command("man-page", { hidden: true })
    .description("manual page, for packages")
    .action(() => print(manPage(program, serveUsage)));
  program
    .command("function-names", { hidden: true })
    .description("names of functions, for completion")
    .action(async () => {
      const { functionNames } = await import("./next-steps.ts");
      print((await functionNames(connect)).map((name) => `${name}\n`).join(""));
    });
  addHelp(program);
  if (argv.length <= 2) await runOrFail(() => showNext(program), 1);
  else await runOrFail(() => program.parseAsync(withoutHelp(program, argv)), 1);
}

/** `help` with a command that is none: commander shows the help of all then, and says nothing of the name. */
function withoutHelp(program: Command, argv: readonly string[]): readonly string[] {
  const [node = "", script = "", first, name] = argv;
  const isWrong = first === "help" && name !== undefined && !name.startsWith("-");
  if (!isWrong || program.commands.some((each) => each.name() === name) || name === "help") return argv;
  return [node, script, name];
}

/** Without a command: the help, and below it, where the eye is, what to do now. The status is that of a wrong call. */
async function showNext(program: Command): Promise<void> {
  program.outputHelp({ error: true });
  const { nextSteps } = await import("./next-steps.ts");
  process.stderr.write(`\n${await nextSteps(connect)}`);
  process.exitCode = 1;
}

/** Exits quietly when the reader closed the pipe (`| head`). */
function endWithReader(error: NodeJS.ErrnoException): void {
  if (error.code !== "EPIPE") throw error;
  process.exit();
}

/** Runs a command; `status` is the exit status where the work could not be done. */
async function runOrFail(work: () => Promise<unknown>, status: number): Promise<void> {
  try {
    await work();
  } catch (error) {
    const text = describeError(error, () => connect().endpoint);
    const meant = await meantName(error, connect);
    process.stderr.write(`thaw: ${text}${meant === null ? "" : `\n${meant}`}\n`);
    process.exitCode = status;
  }
}

/** Exits with 2 for a wrong call of a command whose exit status 1 says that something was found. */
function exitOfWrongCall(error: CommanderError): never {
  process.exit(error.exitCode === 0 ? 0 : 2);
}

function addInitCommand(program: Command): void {
  program
    .command("init")
    .argument("[folder]", "where to (default: this folder); what is there is never overwritten")
    .addOption(choiceOf("--runtime <name>", "language of the sample; asked on a terminal", SAMPLE_RUNTIMES))
    .description("write a small function with a template, hooks and a test, ready to deploy")
    .action((folder: string | undefined, options: { runtime?: SampleRuntime }, command: Command) =>
      init(folder, { ...options, json: isJson(command) }),
    );
}

function addFunctionCommands(program: Command): void {
  addStackCommands(program);
  addDevCommand(program, connect);
  program
    .command("invoke")
    .argument("<function>", "NAME, NAME:QUALIFIER or ARN")
    .argument("[payload]", "JSON, @FILE, or - for standard input", "{}")
    .option("--payload <json>", "the same as an option, as the AWS CLI has it")
    .option("--event", "do not wait for the answer")
    .option("--quiet", "only the payload, without the log")
    .description("invoke a function")
    .action(async (name: string, payload: string, options: InvokeFlags, command: Command) => {
      if (options.payload !== undefined && command.args.length > 1)
        throw new CommandError("invoke got two payloads: leave --payload out, or the one behind the function");
      const { invoke } = await import("./invoke.ts");
      return invoke(connect(), name, options.payload ?? payload, { ...options, json: isJson(command) });
    });
  program
    .command("logs")
    .argument("<function>", "NAME, NAME:VERSION, NAME:ALIAS or ARN")
    .option("-f, --follow", "go on with new events")
    .option("--since <time>", "how far back: 30s, 5m, 2h, 1d, or an ISO time (UTC); else the last ten minutes")
    .option(
      "--filter <pattern>",
      'only events that match a pattern of CloudWatch Logs: ERROR, ?one ?of, -not, "a phrase", { $.level = "ERROR" }, [a, b = 4*], %expression%',
    )
    .description("log of a function, all environments; times are UTC")
    .action((name: string, options: { follow?: boolean; since?: string; filter?: string }, command: Command) =>
      showLogs(connect(), name, { ...options, json: isJson(command) }),
    );
}

/** Their clients of AWS are read only when one of them runs. */
function addStackCommands(program: Command): void {
  withTemplate(program.command("deploy"))
    .description("make or change the stack that a template describes; says what will change before it does")
    .action(async (template: string | undefined, options: ReviewOptions, command: Command) => {
      const { deploy } = await import("./deploy/deploy.ts");
      await deploy(connect(), template, { ...options, json: isJson(command) });
    });
  withTemplate(program.command("diff"))
    .option("--exit-code", "exit status 1 where something differs")
    .description(
      "what deploy would change, each property before and after (exit status: 0, 1 some with --exit-code, 2 could not compare)",
    )
    .exitOverride(exitOfWrongCall)
    .action((template: string | undefined, options: ReviewOptions & { exitCode?: boolean }, command: Command) =>
      runOrFail(async () => {
        const { diff } = await import("./deploy/diff.ts");
        await diff(connect(), template, { ...options, json: isJson(command) });
      }, 2),
    );
  program
    .command("delete")
    .argument("[stack]", "name of a stack (default: that of this folder's template)")
    .option("-y, --yes", "do not ask")
    .description("remove a stack with what it has made; asks before, where there is a terminal")
    .action(async (stack: string | undefined, options: { yes?: boolean }, command: Command) => {
      const { deleteStack } = await import("./deploy/delete.ts");
      await deleteStack(connect(), stack, { ...options, json: isJson(command) });
    });
}

interface InvokeFlags {
  readonly event?: boolean;
  readonly quiet?: boolean;
  readonly payload?: string;
}

interface ScanFlags {
  readonly handler?: string;
  readonly template?: string;
  readonly dependencies?: boolean;
  readonly sarif?: boolean;
  readonly failOn: Severity;
}

/** Its parsers are read only when it runs. */
function addScanCommand(program: Command): void {
  program
    .command("scan")
    .argument("<target>", "folder, zip, jar, template or source file; or the name of a deployed function")
    .option("--handler <handler>", "as Lambda takes it; else the template's, else all that looks like one")
    .option("--template <file>", "SAM or CloudFormation template that says what the functions are")
    .option("--dependencies", "report what installed packages do too")
    .option("--sarif", "answer as SARIF 2.1.0")
    .addOption(
      choiceOf("--fail-on <severity>", "the least severity that makes the exit status 1", [
        "error",
        "warning",
        "note",
      ]).default("note"),
    )
    .description("snapshot hazards in a function's code (exit status: 0 none, 1 some, 2 could not scan)")
    .exitOverride(exitOfWrongCall)
    .action((target: string, options: ScanFlags, command: Command) =>
      runOrFail(async () => {
        const { scanCommand } = await import("./scan.ts");
        await scanCommand(connect, target, { ...options, json: isJson(command) });
      }, 2),
    );
}

function addCheckCommand(program: Command): void {
  program
    .command("check")
    .argument("<function>", "NAME:VERSION, or NAME:ALIAS: a published version with SnapStart")
    .option("--event <json|file>", "the event that each copy gets: JSON, FILE, @FILE, or - for standard input; else {}")
    .option("--clones <number>", "copies, 2 to 5", parseNumber, 2)
    .option("--html <file>", "write the report there too, with a picture of the cold start")
    .description(
      "start copies of a snapshot and see what they share (exit status: 0 good, 1 findings, 2 could not check)",
    )
    .exitOverride(exitOfWrongCall)
    .action((name: string, options: { event?: string; clones: number; html?: string }, command: Command) =>
      runOrFail(() => checkCommand(connect(), name, { ...options, json: isJson(command) }), 2),
    );
}

function addHostCommands(program: Command): void {
  const environments = program.command("environments").description("execution environments");
  environments
    .command("ls")
    .option("--function <name[:qualifier]>", "only those of this function, or of this version or alias")
    .description("execution environments of this host, with their state and invokes")
    .action((options: { function?: string }, command: Command) =>
      listEnvironments(connect(), { ...options, json: isJson(command) }),
    );
  environments
    .command("stop")
    .option("--function <name[:qualifier]>", "only those of this function, or of this version or alias")
    .description("stop environments: the next invoke is a cold start")
    .action((options: { function?: string }, command: Command) =>
      stopEnvironments(connect(), { ...options, json: isJson(command) }),
    );
  const snapshots = program.command("snapshots").description("snapshots of published versions");
  snapshots
    .command("ls")
    .description("snapshots with their function, state, size and times")
    .action((_options: unknown, command: Command) => listSnapshots(connect(), isJson(command)));
  snapshots
    .command("inspect")
    .argument("<snapshot>", "ID or FUNCTION:VERSION")
    .description("what is inside: memory, files, chunks, working set; decrypts no page")
    .action((snapshot: string, _options: unknown, command: Command) =>
      inspectSnapshot(connect(), snapshot, isJson(command)),
    );
  snapshots
    .command("verify")
    .argument("[snapshot]", "ID or FUNCTION:VERSION; all of them without")
    .description("read and authenticate all of it, what the host lacks from the snapshot store")
    .option("--local", "only what is on the server's host: what it lacks counts as damage")
    .action((snapshot: string | undefined, options: { local?: boolean }, command: Command) =>
      verifySnapshots(connect(), snapshot, { json: isJson(command), local: options.local === true }),
    );
  addKeyCommands(program);
  addAccountCommands(program);
  addRuntimeCommands(program);
  addEngineCommands(program);
  addImageCommands(program);
  program
    .command("doctor")
    .description("what this host can do, and what to do about the rest")
    .action(async (_options: unknown, command: Command) => {
      const { runDoctor } = await import("./doctor/doctor.ts");
      await runDoctor(isJson(command));
    });
  addConsoleCommand(program);
  program
    .command("env")
    .description(`exports for AWS clients: eval "$(${PROGRAM} env)"`)
    .action(() => printEnv(connect()));
}

function addConsoleCommand(program: Command): void {
  program
    .command("console")
    .option("--print", "print the address instead of opening a browser")
    .option("--read-only", "a login that sees and changes nothing, and no values of environment variables")
    .option("--revoke", "end all logins of this account")
    .description("open the web console")
    .action((options: { print?: boolean; readOnly?: boolean; revoke?: boolean }, command: Command) =>
      consoleCommand(connect(), { ...options, json: isJson(command) }),
    );
}

function addKeyCommands(program: Command): void {
  const keys = program.command("keys").description("keys for KMSKeyArn that the server holds itself");
  keys
    .command("ls")
    .description("keys and their states")
    .action((_options: unknown, command: Command) => listKeys(connect(), isJson(command)));
  const descriptions = {
    create: "a new key under this ARN",
    enable: "use it again",
    disable: "what is sealed with it can't be restored until it is enabled",
    delete: "for good: what is sealed with it can't be read any more",
  };
  for (const action of ["create", "enable", "disable", "delete"] as const) {
    keys
      .command(action)
      .argument("<arn>", "as in KMSKeyArn; default is the installation's own key")
      .description(descriptions[action])
      .action((arn: string, _options: unknown, command: Command) => changeKey(connect(), action, arn, isJson(command)));
  }
}

function addRuntimeCommands(program: Command): void {
  const runtimes = program.command("runtimes").description("languages on this host");
  runtimes
    .command("ls")
    .description("runtimes that functions can have on the server's host")
    .action((_options: unknown, command: Command) => listRuntimes(connect(), isJson(command)));
  runtimes
    .command("install")
    .argument(
      "<name>",
      `${INSTALLABLE.join(", ")}; or as functions name it: nodejs22.x; or ${BASE_SYSTEM}, ${MOTO}, ${SAM_TRANSFORM}`,
    )
    .description(
      "install a language for functions, or what base images, SAM templates or --companion need (root, on the server's host)",
    )
    .action((name: string) => installRuntime(name));
  runtimes
    .command("update")
    .argument("<name>", "one that is installed")
    .description("the newest release beside the installed one; snapshots are refreshed in the background")
    .action((name: string) => installRuntime(name, true));
  runtimes
    .command("prune")
    .description("remove older releases that no snapshot and no environment needs any more")
    .option("--dry-run", "only say which")
    .action((options: { dryRun?: boolean }, command: Command) =>
      pruneRuntimes(connect(), { dryRun: options.dryRun === true, json: isJson(command) }),
    );
}

function addEngineCommands(program: Command): void {
  const engines = program.command("engines").description("what keeps functions and the host apart");
  engines
    .command("ls")
    .description("engines, and whether they are on this host")
    .action((_options: unknown, command: Command) => listEngines(isJson(command)));
  engines
    .command("install")
    .argument("<name>", GVISOR)
    .description("build an engine that does not come with Thaw (root; Go)")
    .action((name: string) => installEngine(name));
}

function addImageCommands(program: Command): void {
  const images = program.command("images").description("container images");
  images
    .command("base")
    .argument(
      "<runtime>",
      `as functions name it: nodejs22.x; or provided.al2023, for programs with a client of their own`,
    )
    .argument("<destination>", "folder in the OCI image layout, made or added to; or a new archive, NAME.tar")
    .option("--tag <tag>", "name of the image in there (default: the runtime)")
    .description(
      "write a base image for a Dockerfile's FROM, made of an installed runtime (root, on the server's host)",
    )
    .action((runtime: string, destination: string, options: { tag?: string }, command: Command) =>
      writeBaseImage(runtime, destination, { ...options, json: isJson(command) }),
    );
}

function addAccountCommands(program: Command): void {
  const accounts = program.command("accounts").description("accounts of this installation, kept apart");
  accounts
    .command("ls")
    .description("accounts and the ids of their access keys")
    .action((_options: unknown, command: Command) => listAccounts(connect(), isJson(command)));
  accounts
    .command("add")
    .argument("<account>", "12 digits")
    .option("--name <name>", "a name for people")
    .description("make an account; prints its first access key, once")
    .action((account: string, options: { name?: string }, command: Command) =>
      addAccount(connect(), account, { ...options, json: isJson(command) }),
    );
  accounts
    .command("rotate")
    .argument("<account>", "12 digits")
    .option("--now", "end the keys so far at once")
    .description("make another access key; the one so far stays until the next time")
    .action((account: string, options: { now?: boolean }, command: Command) =>
      rotateAccount(connect(), account, { ...options, json: isJson(command) }),
    );
  accounts
    .command("rm")
    .argument("<account>", "12 digits")
    .description("remove an account without functions and layers, with its keys, logs and objects")
    .action((account: string, _options: unknown, command: Command) =>
      removeAccount(connect(), account, isJson(command)),
    );
}

function isJson(command: Command): boolean {
  return command.optsWithGlobals()["json"] === true;
}

function parseNumber(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0) throw new InvalidArgumentError("expected a number");
  return value;
}
