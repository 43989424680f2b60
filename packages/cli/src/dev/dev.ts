/** thaw dev [TEMPLATE]: a stack of one's own, whose functions follow what is saved (docs/guides/dev.md). */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CommandError } from "@thaw/installation/command-error";
import { openStackClients } from "../aws-clients.ts";
import type { Connection } from "../connection.ts";
import { consoleCommand } from "../console.ts";
import { deleteStack } from "../deploy/delete.ts";
import { nameStack } from "../deploy/find-template.ts";
import type { ReviewOptions } from "../deploy/review.ts";
import { findStack } from "../deploy/stack.ts";
import { FunctionDebugger } from "./debug/function-debugger.ts";
import { PROGRAM } from "@thaw/installation";
import { print } from "../table.ts";
import { Ending } from "./ending.ts";
import { follow } from "./follow.ts";
import { describeKeys, type Key, listenForKeys } from "./keys.ts";
import { findSource } from "./local-template.ts";
import { takeStack } from "./one-at-a-time.ts";
import { Session } from "./session.ts";

export interface DevOptions extends ReviewOptions {
  /** Undefined: the stack is deleted where it was made here. */
  readonly deleteOnExit?: boolean;
  /** Logical id or name of the function to debug. */
  readonly debug?: string;
  readonly debugPort?: string;
}

const SUFFIX = "-dev";
const PORT_MAX = 65_535;
/** CloudFormation's limit. */
const STACK_NAME_MAX = 128;

export async function dev(connection: Connection, given: string | undefined, options: DevOptions): Promise<void> {
  const { path, notes } = findSource(given);
  for (const note of notes) say(`note: ${note}`);
  const stackName = options.stackName ?? ownName(path);
  nameStack(path, stackName, say);
  const clients = await openStackClients(connection);
  const { endpoint, region } = connection;
  const giveFree = await takeStack({ endpoint, region, accountId: clients.accountId, stackName });
  const wasThere = (await findStack(clients, stackName)) !== null;
  const isToDelete = options.deleteOnExit ?? !wasThere;
  const remains = `the stack ${stackName} stays. To remove it: ${PROGRAM} delete ${stackName}`;
  const debug = readDebug(connection, options);
  const ending = new Ending(() => say(`ended at once: ${remains}${debug?.remains ?? ""}`));
  const builds = mkdtempSync(join(tmpdir(), "thaw-dev-"));
  const session = new Session({ connection, clients, path, stackName, options, builds, debug, say });
  try {
    await session.start();
    say(isToDelete ? `the stack ${stackName} is deleted at the end` : `at the end ${remains}`);
    await untilEnded(connection, session, ending, debug);
  } finally {
    await session.close();
    await endDebug(debug, !isToDelete);
    rmSync(builds, { recursive: true, force: true });
    await finish(connection, session, { stackName, isToDelete, remains });
    giveFree();
    ending.close();
  }
}

function ownName(path: string): string {
  return `${nameStack(path, undefined, say).slice(0, STACK_NAME_MAX - SUFFIX.length)}${SUFFIX}`;
}

function say(text: string): void {
  print(`${text}\n`);
}

/** Null: nothing is debugged. Throws CommandError for a port that is none. */
function readDebug(connection: Connection, { debug, debugPort }: DevOptions): FunctionDebugger | null {
  if (debug === undefined) {
    if (debugPort !== undefined) throw new CommandError("--debug-port needs --debug FUNCTION");
    return null;
  }
  const port = debugPort === undefined ? null : Number(debugPort);
  if (port !== null && !(Number.isInteger(port) && port >= 0 && port <= PORT_MAX))
    throw new CommandError(`--debug-port must be a port, up to ${PORT_MAX}; 0 takes a free one`);
  return new FunctionDebugger({ connection, wanted: debug, port, say });
}

async function endDebug(debug: FunctionDebugger | null, isKept: boolean): Promise<void> {
  try {
    await debug?.close({ isKept });
  } catch (error) {
    process.exitCode = 1;
    say(`${(error as Error).message}.${debug?.remains ?? ""}`);
  }
}

async function untilEnded(
  connection: Connection,
  session: Session,
  ending: Ending,
  debug: FunctionDebugger | null,
): Promise<void> {
  const { signal } = ending;
  if (signal.aborted) return;
  const failed = (error: unknown): void => say((error as Error).message);
  const keys: Readonly<Record<string, Key>> = {
    c: { about: "next invoke cold", run: () => session.makeCold() },
    p: { about: "publish, then restore", run: () => session.publish() },
    ...(debug === null ? {} : { g: { about: "let a restored clone go on", run: () => debug.goOn() } }),
    o: { about: "open the console", run: () => consoleCommand(connection, { json: false }) },
  };
  const release = listenForKeys(keys, () => ending.begin(), failed);
  if (process.stdin.isTTY) say(`keys: ${describeKeys(keys)}`);
  session.work(signal);
  try {
    await follow(connection, { isOurs: (name) => session.names.has(name), say, signal });
  } finally {
    release();
  }
}

/** Leaves nothing of the run but what is said to stay. */
async function finish(
  connection: Connection,
  session: Session,
  {
    stackName,
    isToDelete,
    remains,
  }: { readonly stackName: string; readonly isToDelete: boolean; readonly remains: string },
): Promise<void> {
  try {
    if (isToDelete) {
      if ((await findStack(session.clients, stackName)) !== null)
        await deleteStack(connection, stackName, { yes: true, json: false });
      return;
    }
    await session.versions.putBack();
    say(remains);
  } catch (error) {
    process.exitCode = 1;
    say(`${(error as Error).message}\n${remains}`);
  }
}
