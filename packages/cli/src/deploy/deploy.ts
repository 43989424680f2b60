/**
 * thaw deploy [TEMPLATE]: makes, or changes, a stack of what a template says, and tells what will change before it
 * does (docs/design/0027-deploy.md).
 */
import { randomUUID } from "node:crypto";
import { basename, extname } from "node:path";
import { DeleteStackCommand, ExecuteChangeSetCommand, type Stack } from "@aws-sdk/client-cloudformation";
import { PROGRAM } from "@thaw/installation";
import { CommandError } from "@thaw/installation/command-error";
import type { StackClients } from "../aws-clients.ts";
import { type Connection, RefusedError } from "../connection.ts";
import { print, printJson } from "../table.ts";
import { type Ended, followRun } from "./events.ts";
import { whatIsInTheWay } from "./refuse.ts";
import { type Results, resultsOf } from "./results.ts";
import { indented, type Review, review, type ReviewOptions } from "./review.ts";
import { listChanges } from "./show-changes.ts";
import { discard } from "./stack.ts";

export interface DeployOptions extends ReviewOptions {
  readonly json: boolean;
}

/** Where `thaw deploy` kept its own records before it made stacks. */
const FORMER_BUCKET = "thaw-deployments";

export interface Deployed {
  readonly reviewed: Review;
  readonly results: Results;
}

/** `given`: a template, or a folder with one; undefined: this folder. */
export async function deploy(connection: Connection, given: string | undefined, options: DeployOptions): Promise<void> {
  const { reviewed, results } = await deployStack(connection, given, options, new Map());
  if (options.json) printJson(toJson(reviewed, results));
  else for (const [name, value] of Object.entries(results.outputs)) print(`${name} = ${value}\n`);
}

/** `built`: code in the place of what the template names, by logical id. */
export async function deployStack(
  connection: Connection,
  given: string | undefined,
  options: ReviewOptions,
  built: ReadonlyMap<string, string>,
): Promise<Deployed> {
  const reviewed = await review(connection, given, options, { isDeploying: true, removeFailed, built });
  const { clients, changeSet, stackName } = reviewed;
  if (changeSet.isEmpty) say(`the stack ${stackName} is as the template says: nothing was changed`);
  else {
    await refuseWhatCanNotBe(connection, reviewed);
    const how = changeSet.isNewStack ? "made" : "changed";
    say(`the stack ${stackName} is ${how}:\n${indented(listChanges(changeSet.changes, reviewed.recorded))}`);
    if (changeSet.isNewStack) await tellFormer(connection, reviewed);
    await execute(reviewed);
  }
  const results = await resultsOf(connection, clients, changeSet.stackId);
  tellResults(results, reviewed);
  return { reviewed, results };
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Nothing is left of the change set then. */
async function refuseWhatCanNotBe(connection: Connection, { clients, changeSet }: Review): Promise<void> {
  try {
    const reasons = await whatIsInTheWay(connection, changeSet.changes);
    if (reasons.length > 0) throw new CommandError(`nothing was changed:\n${indented(reasons)}`);
  } catch (error) {
    await discard(clients, changeSet);
    throw error;
  }
}

async function execute({ clients, changeSet, stackName }: Review): Promise<void> {
  const token = randomUUID();
  await clients.stacks.send(new ExecuteChangeSetCommand({ ChangeSetName: changeSet.id, ClientRequestToken: token }));
  const { status, failure } = await followOrTell(clients, changeSet.stackId, token, stackName);
  if (status === "CREATE_COMPLETE" || status === "UPDATE_COMPLETE") return;
  const left = changeSet.isNewStack
    ? "what was made is removed again"
    : status === "UPDATE_ROLLBACK_COMPLETE"
      ? "everything is as it was before"
      : `it could not be brought back to what it was: see aws cloudformation describe-stack-events --stack-name ${stackName}`;
  throw new CommandError(
    `the stack ${stackName} ended in ${status}; ${left}. The reason: ${failure ?? "none is told"}`,
  );
}

/** The server goes on without whoever looks. */
export async function followOrTell(
  clients: StackClients,
  stackId: string,
  token: string,
  stackName: string,
): Promise<Ended> {
  try {
    return await followRun(clients, stackId, token, say);
  } catch (error) {
    throw new CommandError(
      `the server no longer answers (${(error as Error).message}). It ends what it has begun, also after a restart: see aws cloudformation describe-stacks --stack-name ${stackName}`,
    );
  }
}

/** A stack whose creation failed has nothing in it that anybody relies on, and can't be updated. */
async function removeFailed(clients: StackClients, stack: Stack): Promise<void> {
  const [name, id] = [stack.StackName ?? "", stack.StackId ?? ""];
  say(`note: the stack ${name} is in ${stack.StackStatus ?? ""}: what is left of it is removed first`);
  const token = randomUUID();
  await clients.stacks.send(new DeleteStackCommand({ StackName: id, ClientRequestToken: token }));
  const { status, failure } = await followOrTell(clients, id, token, name);
  if (status !== "DELETE_COMPLETE")
    throw new CommandError(
      `the stack ${name} can't be removed: ${failure ?? status}. Again: ${PROGRAM} delete ${name}`,
    );
}

/** Functions that thaw deploy made of this template before it made stacks: they stay, and somebody should know. */
async function tellFormer({ thaw }: Connection, { stackName, path }: Review): Promise<void> {
  const stem = basename(path, extname(path));
  for (const key of [`stacks/${stackName}@${stem}.json`, `stacks/${stackName}.json`])
    try {
      const answer = await thaw.raw("readObject", { parameters: { bucket: FORMER_BUCKET, key } });
      const names = Object.keys((await answer.json()) as object);
      if (names.length > 0)
        say(
          `note: an earlier thaw deploy has made functions of this template, which are in no stack and stay: ${names.join(", ")}. To remove one: aws lambda delete-function --function-name NAME`,
        );
    } catch (error) {
      if (!(error instanceof RefusedError && error.status === 404)) throw error;
    }
}

function tellResults({ functions, urls, apis }: Results, { lost, madeUp }: Review): void {
  for (const { functionName, alias, version, optimization } of functions)
    say(
      version === null
        ? functionName
        : `${functionName}${alias === null ? "" : `:${alias}`} → version ${version} (snapshot ${optimization ?? "Off"})`,
    );
  for (const { functionName, qualifier, url } of urls)
    say(`${functionName}${qualifier === null ? "" : `:${qualifier}`}: URL ${url}`);
  for (const [id, url] of Object.entries(apis)) say(`${id}: API ${url}`);
  if (lost.length > 0) say(`variables that are NOT SET (give them with --env-vars FILE):\n${indented(lost)}`);
  if (madeUp.length > 0) say(`variables with a made-up name (--env-vars FILE gives another):\n${indented(madeUp)}`);
}

function toJson({ stackName, changeSet, recorded, notes, leftOut, lost, madeUp }: Review, results: Results): object {
  return {
    stackName,
    stackId: changeSet.stackId,
    changes: changeSet.changes.map(({ Action, LogicalResourceId, ResourceType, Replacement }) => ({
      action: Action,
      logicalId: LogicalResourceId,
      type: ResourceType,
      isRecorded: recorded.has(ResourceType ?? ""),
      ...(Replacement === undefined ? {} : { replacement: Replacement }),
    })),
    ...results,
    notes,
    leftOut,
    lost,
    madeUp,
  };
}
