/** From a template on this host to a change set of its stack, in which nothing is changed yet. */
import type { Stack } from "@aws-sdk/client-cloudformation";
import { PROGRAM } from "@thaw/installation";
import { CommandError } from "@thaw/installation/command-error";
import { readLocally } from "@thaw/template/local-values";
import { noteText } from "@thaw/template/notes";
import { type ParsedTemplate, readSections, templateOf } from "@thaw/template/template";
import type { TemplateMap } from "@thaw/template/value";
import { openStackClients, type StackClients } from "../aws-clients.ts";
import type { Connection } from "../connection.ts";
import { createArtifacts } from "./artifacts.ts";
import { readEnvVars } from "./env-vars.ts";
import { findTemplate, nameStack } from "./find-template.ts";
import { leaveOut, withoutForeignProperties } from "./leave-out.ts";
import { createLookUps } from "./look-ups.ts";
import { packageTemplate } from "./package-template.ts";
import { readParameterOverrides } from "./parameter-overrides.ts";
import { recordedTypes } from "./show-changes.ts";
import { type ChangeSet, createChangeSet, findStack, parametersFor, refuseRunning, shownParameters } from "./stack.ts";

export interface ReviewOptions {
  readonly stackName?: string;
  readonly parameterOverrides?: readonly string[];
  readonly envVars?: string;
  readonly skipUnsupported?: boolean;
}

export interface Review {
  readonly clients: StackClients;
  readonly stackName: string;
  /** The template's file. */
  readonly path: string;
  readonly changeSet: ChangeSet;
  /** Types whose resources do nothing here. */
  readonly recorded: ReadonlySet<string>;
  /** Said so far, for `--json`. */
  readonly notes: readonly string[];
  readonly leftOut: readonly string[];
  /** Of variables: said last. */
  readonly lost: readonly string[];
  readonly madeUp: readonly string[];
}

export interface ReviewTo {
  /** False: only to see differences; code is packed, and stays here. */
  readonly isDeploying: boolean;
  /** What is to be done with a stack whose creation failed. */
  readonly removeFailed: (clients: StackClients, stack: Stack) => Promise<void>;
  /** Code that was built, by the logical id of its function: it is packed in the place of what the template names. */
  readonly built: ReadonlyMap<string, string>;
}

/** Left of a creation that failed: CloudFormation can't update it. */
const NEVER_WHOLE = new Set(["ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED"]);

/** Throws CommandError where the template can't be deployed; nothing was changed then. */
export async function review(
  connection: Connection,
  given: string | undefined,
  options: ReviewOptions,
  to: ReviewTo,
): Promise<Review> {
  const notes: string[] = [];
  const note = (text: string): void => {
    notes.push(text);
    process.stderr.write(`note: ${text}\n`);
  };
  const { path, notes: found } = findTemplate(given);
  for (const text of found) note(text);
  const source = readSections(path);
  noteScalars(source, path, note);
  const stackName = nameStack(path, options.stackName, note);
  const clients = await openStackClients(connection);
  const stack = await usableStack(clients, stackName, to);
  const declared = Object.keys(templateOf(source, path).parameters);
  const overrides = readParameterOverrides(options.parameterOverrides ?? [], declared);
  const { region } = connection;
  const place = { region, accountId: clients.accountId, stackName };
  const parameters = { ...shownParameters(stack), ...overrides };
  const artifacts = createArtifacts(clients, { region, isSending: to.isDeploying });
  const environment = options.envVars === undefined ? {} : readEnvVars(options.envVars);
  const { built } = to;
  const packaged = await packageTemplate(path, source, { ...place, parameters, environment, artifacts, built, note });
  const values = readLocally(templateOf({ sections: packaged }, path), { ...place, parameters });
  const lookUps = createLookUps(clients, values);
  const tell = (sentence: string): void => void process.stderr.write(`left out: ${sentence}\n`);
  const isSkipping = options.skipUnsupported === true;
  const whole = isSkipping
    ? await leaveOut(packaged, { clients, place, values, lookUps })
    : { sections: packaged, left: [], lost: [], madeUp: [] };
  for (const sentence of whole.left) tell(sentence);
  const missing = await lookUps.missing(whole.sections["Resources"] ?? null, "Resources");
  if (missing.length > 0)
    throw new CommandError(`nothing was changed: the template names what is not there:\n${indented(missing)}`);
  // It is sent in any case: a change set is made of it.
  const sent = createArtifacts(clients, { region, isSending: true });
  const changeSetOf = async (sections: TemplateMap): Promise<ChangeSet> => {
    const { bucket, key } = await sent.put(Buffer.from(JSON.stringify(sections)), ".template");
    return createChangeSet(clients, stack, {
      stackName,
      templateUrl: `https://s3.amazonaws.com/${bucket}/${key}`,
      parameters: parametersFor(parametersOf(sections), overrides, stack),
    });
  };
  const { changeSet, left } = isSkipping
    ? await withoutForeignProperties(whole.sections, changeSetOf, tell)
    : { changeSet: await changeSetOf(whole.sections), left: [] };
  return {
    clients,
    stackName,
    path,
    changeSet,
    recorded: await recordedTypes(clients, changeSet.changes),
    notes,
    leftOut: [...whole.left, ...left],
    lost: whole.lost,
    madeUp: whole.madeUp,
  };
}

/** Of the packaged template: those of `cdk bootstrap` are gone. */
function parametersOf(sections: TemplateMap): readonly string[] {
  return Object.keys(sections["Parameters"] ?? {});
}

export function indented(lines: readonly string[]): string {
  return lines.map((line) => `  ${line}`).join("\n");
}

/** Scalars that are not what somebody may read in the text. Places that share a sentence share a line. */
function noteScalars(source: ParsedTemplate, path: string, note: (text: string) => void): void {
  const places = new Map<string, string[]>();
  const report = {
    error: () => undefined,
    unsupported: () => undefined,
    note: (place: string, text: string) => void places.set(text, [...(places.get(text) ?? []), place]),
  };
  noteText(templateOf(source, path), report);
  for (const [text, found] of places) note(`${found.join(", ")} ${text}`);
}

/** Null: a new one is made. */
async function usableStack(clients: StackClients, name: string, to: ReviewTo): Promise<Stack | null> {
  const stack = await findStack(clients, name);
  const status = stack?.StackStatus ?? "";
  if (stack === null) return null;
  if (status === "UPDATE_ROLLBACK_FAILED")
    throw new CommandError(
      `the stack ${name} is in UPDATE_ROLLBACK_FAILED. Its rollback goes on with: aws cloudformation continue-update-rollback --stack-name ${name}`,
    );
  refuseRunning(stack);
  if (status === "DELETE_FAILED")
    throw new CommandError(
      `the stack ${name} was to be deleted, and not all of it could be (DELETE_FAILED). Again: ${PROGRAM} delete ${name}`,
    );
  if (!NEVER_WHOLE.has(status)) return stack;
  if (!to.isDeploying)
    throw new CommandError(
      `the stack ${name} is in ${status}: ${PROGRAM} deploy removes what is left of it, and makes it anew`,
    );
  await to.removeFailed(clients, stack);
  return null;
}
