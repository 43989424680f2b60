/** thaw delete [STACK]: removes a stack with all that it has made, but for what is to stay. */
import { randomUUID } from "node:crypto";
import { createInterface } from "node:readline/promises";
import { DeleteStackCommand, GetTemplateCommand, paginateDescribeStacks } from "@aws-sdk/client-cloudformation";
import { GetFunctionCommand, ResourceNotFoundException } from "@aws-sdk/client-lambda";
import { PROGRAM } from "@thaw/installation";
import { CommandError } from "@thaw/installation/command-error";
import { parseTemplate } from "@thaw/template/template";
import type { TemplateMap } from "@thaw/template/value";
import { openStackClients, type StackClients } from "../aws-clients.ts";
import { orNear } from "../did-you-mean.ts";
import type { Connection } from "../connection.ts";
import { printJson } from "../table.ts";
import { followOrTell } from "./deploy.ts";
import { findTemplate, nameStack } from "./find-template.ts";
import { listResources } from "./results.ts";
import { indented } from "./review.ts";
import { findStack, isInReview, refuseRunning } from "./stack.ts";
import { whatStays } from "./what-stays.ts";

const STACKS_SHOWN = 10;

export interface DeleteOptions {
  readonly yes?: boolean;
  readonly json: boolean;
}

/** `given` undefined: the stack that `thaw deploy` makes of this folder. */
export async function deleteStack(
  connection: Connection,
  given: string | undefined,
  { yes, json }: DeleteOptions,
): Promise<void> {
  const say = (text: string): void => void process.stderr.write(`${text}\n`);
  const name = given ?? nameStack(findTemplate(undefined).path, undefined, say);
  const clients = await openStackClients(connection);
  const stack = await findStack(clients, name);
  if (stack === null) throw new CommandError(`there is no stack ${name}${await whatElse(connection, clients, name)}`);
  refuseRunning(stack);
  const id = stack.StackId ?? name;
  const resources = isInReview(stack) ? [] : await listResources(clients, id);
  const { stays, goesWith } = whatStays(resources.length === 0 ? {} : await resourcesOf(clients, id));
  const lines = resources.map(({ LogicalResourceId: logical = "", ResourceType: type = "" }) => {
    const [policy, owner] = [stays.get(logical), goesWith.get(logical)];
    if (policy !== undefined) return `  ${logical} ${type}: stays, for its DeletionPolicy is ${policy}`;
    return `- ${logical} ${type}${owner === undefined ? "" : ` (goes with ${owner})`}`;
  });
  say(`the stack ${name} is deleted:\n${indented(lines)}`);
  if (yes !== true && process.stdin.isTTY && !(await isSure(name))) throw new CommandError("nothing was deleted");
  const token = randomUUID();
  await clients.stacks.send(new DeleteStackCommand({ StackName: id, ClientRequestToken: token }));
  // Of one that was only reviewed there is nothing to follow.
  if (!isInReview(stack)) {
    const { status, failure } = await followOrTell(clients, id, token, name);
    if (status !== "DELETE_COMPLETE")
      throw new CommandError(
        `the stack ${name} ended in ${status}. The reason: ${failure ?? "none is told"}. Again: ${PROGRAM} delete ${name}`,
      );
  }
  say(`the stack ${name} is gone`);
  if (json) printJson({ stackName: name, stackId: id, stays: [...stays.keys()] });
}

/** Says what there is instead: a function that is called so, or other stacks. */
async function whatElse({ lambda }: Connection, { stacks }: StackClients, name: string): Promise<string> {
  const maker = await stackOfFunction(lambda, name);
  if (maker === "")
    return `; ${name} is a function, which no stack has made. To remove it: aws lambda delete-function --function-name ${name}`;
  if (maker !== null)
    return `; ${name} is a function of the stack ${maker}. To remove that one: ${PROGRAM} delete ${maker}`;
  const names: string[] = [];
  for await (const { Stacks: found = [] } of paginateDescribeStacks({ client: stacks }, {}))
    names.push(...found.map(({ StackName: each = "" }) => each));
  if (names.length === 0) return `, and no other. To make one: ${PROGRAM} deploy`;
  const more = names.length > STACKS_SHOWN ? `, and ${names.length - STACKS_SHOWN} more` : "";
  return `. Those that are there: ${names.slice(0, STACKS_SHOWN).join(", ")}${more}${orNear(name, names)}`;
}

/** The stack that has made the function of this name; empty: none has; null: there is no such function. */
async function stackOfFunction(lambda: Connection["lambda"], FunctionName: string): Promise<string | null> {
  // The only names that one can have: anything else would be refused as such.
  if (!/^[\w-]{1,64}$/.test(FunctionName)) return null;
  try {
    const { Tags: tags = {} } = await (await lambda()).send(new GetFunctionCommand({ FunctionName }));
    return tags["aws:cloudformation:stack-name"] ?? "";
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return null;
    throw error;
  }
}

async function isSure(name: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(?:es)?$/i.test((await terminal.question(`Delete ${name}? [y/N] `)).trim());
  } finally {
    terminal.close();
  }
}

async function resourcesOf({ stacks }: StackClients, id: string): Promise<TemplateMap> {
  const { TemplateBody: text = "" } = await stacks.send(
    new GetTemplateCommand({ StackName: id, TemplateStage: "Processed" }),
  );
  return parseTemplate(text, `the template of ${id}`).resources;
}
