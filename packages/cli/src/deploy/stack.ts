/** A stack of the server as the commands see it: what it is, and what a change set would do. */
import {
  type Capability,
  type Change,
  CreateChangeSetCommand,
  DeleteChangeSetCommand,
  DeleteStackCommand,
  DescribeChangeSetCommand,
  DescribeStacksCommand,
  type Parameter,
  type ResourceChange,
  type Stack,
} from "@aws-sdk/client-cloudformation";
import { CommandError } from "@thaw/installation/command-error";
import { refusalOf, type StackClients } from "../aws-clients.ts";

/** Null: there is none, or it was deleted. */
export async function findStack({ stacks }: StackClients, name: string): Promise<Stack | null> {
  try {
    const { Stacks: found = [] } = await stacks.send(new DescribeStacksCommand({ StackName: name }));
    return found[0] ?? null;
  } catch (error) {
    if (refusalOf(error)?.endsWith("does not exist") === true) return null;
    throw error;
  }
}

/** Nothing was ever made of it: a change set may be executed, or somebody is looking at one. */
export function isInReview(stack: Stack | null): boolean {
  return stack?.StackStatus === "REVIEW_IN_PROGRESS";
}

/** Throws CommandError where a run is under way: its events would be taken for those of another one. */
export function refuseRunning(stack: Stack): void {
  const { StackName: name = "", StackStatus: status = "" } = stack;
  if (!status.endsWith("_IN_PROGRESS") || isInReview(stack)) return;
  throw new CommandError(
    `the stack ${name} is being changed (${status}), by another deployment or by one whose terminal was closed. Try again when it has ended; to stop an update: aws cloudformation cancel-update-stack --stack-name ${name}`,
  );
}

export interface ChangeSetInput {
  readonly stackName: string;
  /** Of a template in S3. */
  readonly templateUrl: string;
  readonly parameters: readonly Parameter[];
}

export interface ChangeSet {
  readonly id: string;
  readonly stackId: string;
  readonly isNewStack: boolean;
  /** True: the stack is there for this change set only. */
  readonly isAlone: boolean;
  /** Empty: there is nothing to do, and nothing to execute. */
  readonly isEmpty: boolean;
  readonly changes: readonly ResourceChange[];
}

/** Whoever deploys here owns the host: roles are recorded and macros are AWS's own, so that there is nothing to ask. */
const CAPABILITIES: readonly Capability[] = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"];
/** Tools of AWS look for both, too. */
const NO_CHANGES = /No updates are to be performed|didn't contain changes/;
const BEGIN = "thaw-";

/**
 * Makes a change set of a stack, null: of a new one. Throws TemplateRefused; nothing is left of it then.
 */
export async function createChangeSet(
  clients: StackClients,
  stack: Stack | null,
  input: ChangeSetInput,
): Promise<ChangeSet> {
  const isNewStack = stack === null || isInReview(stack);
  const name = `${BEGIN}${Date.now()}`;
  const made = await clients.stacks
    .send(
      new CreateChangeSetCommand({
        StackName: stack?.StackId ?? input.stackName,
        ChangeSetName: name,
        ChangeSetType: isNewStack ? "CREATE" : "UPDATE",
        TemplateURL: input.templateUrl,
        Parameters: [...input.parameters],
        Capabilities: [...CAPABILITIES],
        Description: "thaw deploy",
      }),
    )
    .catch((error: unknown) => refuse(refusalOf(error), error));
  const [id, stackId] = [made.Id ?? "", made.StackId ?? ""];
  const changeSet: ChangeSet = { id, stackId, isNewStack, isAlone: stack === null, isEmpty: false, changes: [] };
  // It is ready when CreateChangeSet answers.
  const { Status, StatusReason = "", changes } = await describe(clients, id);
  if (Status !== "FAILED") return { ...changeSet, changes };
  await discard(clients, changeSet);
  if (NO_CHANGES.test(StatusReason)) return { ...changeSet, isEmpty: true };
  return refuse(StatusReason, null);
}

async function describe(
  { stacks }: StackClients,
  id: string,
): Promise<{ readonly Status?: string; readonly StatusReason?: string; readonly changes: readonly ResourceChange[] }> {
  const changes: Change[] = [];
  let token: string | undefined;
  for (;;) {
    const page = await stacks.send(
      new DescribeChangeSetCommand({ ChangeSetName: id, IncludePropertyValues: true, NextToken: token }),
    );
    changes.push(...(page.Changes ?? []));
    token = page.NextToken;
    if (token !== undefined) continue;
    const { Status, StatusReason } = page;
    const found = changes.flatMap(({ ResourceChange: change }) => (change === undefined ? [] : [change]));
    return {
      ...(Status === undefined ? {} : { Status }),
      ...(StatusReason === undefined ? {} : { StatusReason }),
      changes: found,
    };
  }
}

/** Takes a change set away that is not to be executed, and the stack with it that was only there for it. */
export async function discard({ stacks }: StackClients, { id, stackId, isAlone }: ChangeSet): Promise<void> {
  await stacks.send(new DeleteChangeSetCommand({ ChangeSetName: id }));
  if (isAlone) await stacks.send(new DeleteStackCommand({ StackName: stackId }));
}

/** A refusal of a template, in CloudFormation's words. */
export class TemplateRefused extends CommandError {
  readonly reason: string;

  constructor(reason: string) {
    const isOfParts = /types that Thaw refuses|Thaw does not have the property|extraneous key/.test(reason);
    super(`nothing was changed: ${reason}${isOfParts ? "\nTo deploy the rest: --skip-unsupported" : ""}`);
    this.reason = reason;
  }
}

function refuse(reason: string | null, error: unknown): never {
  throw reason === null ? error : new TemplateRefused(reason);
}

/** Parameters for a stack as it is: those that nobody gives keep their values, as with AWS's tools. */
export function parametersFor(
  declared: readonly string[],
  given: Readonly<Record<string, string>>,
  stack: Stack | null,
): readonly Parameter[] {
  const before = new Set((stack?.Parameters ?? []).map(({ ParameterKey }) => ParameterKey));
  const kept = declared.filter((name) => !Object.hasOwn(given, name) && before.has(name) && !isInReview(stack));
  return [
    ...Object.entries(given).map(([name, value]) => ({ ParameterKey: name, ParameterValue: value })),
    ...kept.map((name) => ({ ParameterKey: name, UsePreviousValue: true })),
  ];
}

/** What CloudFormation shows of a NoEcho parameter. */
const HIDDEN = "****";

/** Values that a stack has, without those that nobody is shown. */
export function shownParameters(stack: Stack | null): Readonly<Record<string, string>> {
  return Object.fromEntries(
    (stack?.Parameters ?? []).flatMap(({ ParameterKey: name, ParameterValue: value }) =>
      name === undefined || value === undefined || value === HIDDEN ? [] : [[name, value] as const],
    ),
  );
}
