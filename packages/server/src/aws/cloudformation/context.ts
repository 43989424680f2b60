/** What the operations of CloudFormation need, and how they find stacks. */
import type { Clock } from "../../base/clock.ts";
import type { Random } from "../../base/random.ts";
import type { AccountScope } from "../../model/function-name.ts";
import { ServiceError } from "../../model/service-error.ts";
import type { StackRecord, StackRequest, StackSource } from "../../model/stack-record.ts";
import type { MetadataStore, Stored } from "../../ports/metadata-store.ts";
import type { ServiceCalls } from "../../ports/service-calls.ts";
import type { Stacks } from "../../ports/stacks.ts";
import type { TemplateTransform } from "../../ports/template-transform.ts";
import type { ServiceContext } from "../aws-service.ts";

export interface CloudFormationParts {
  readonly scope: AccountScope;
  readonly store: Pick<MetadataStore, "stacks">;
  readonly stacks: Stacks;
  /** Services of the scope, for templates in S3 and parameters of SSM. */
  readonly services: ServiceCalls;
  readonly transform: TemplateTransform;
  readonly clock: Clock;
  readonly random: Random;
}

type Finding = Pick<CloudFormationParts, "store">;

/** By name one that is there; by ARN one that is deleted, too. */
export async function lookUp({ store }: Finding, nameOrId: string): Promise<Stored<StackRecord> | null> {
  return nameOrId.startsWith("arn:") ? store.stacks.getStack(nameOrId) : store.stacks.findStack(nameOrId);
}

/** Tools compare these texts, which differ from operation to operation. */
const MISSING = {
  "with id": (name: string) => `Stack with id ${name} does not exist`,
  brackets: (name: string) => `Stack [${name}] does not exist`,
  quotes: (name: string) => `Stack '${name}' does not exist`,
};

export async function find(
  parts: Finding,
  nameOrId: string,
  words: keyof typeof MISSING = "with id",
): Promise<Stored<StackRecord>> {
  const found = await lookUp(parts, nameOrId);
  if (found === null) throw invalid(MISSING[words](nameOrId));
  return found;
}

/** For what changes it: one that is deleted is not there. */
export async function findLiving(parts: Finding, nameOrId: string): Promise<Stored<StackRecord>> {
  const found = await find(parts, nameOrId, "brackets");
  if (found.deletedAtMs !== null) throw invalid(MISSING.brackets(nameOrId));
  return found;
}

/** What it is made of, or is being made of; null: nothing ever ran. */
export async function sourceOf({ store }: Finding, id: string): Promise<StackSource | null> {
  return (await store.stacks.getPart(id, "source", "next")) ?? (await store.stacks.getPart(id, "source", "current"));
}

export function invalid(message: string): ServiceError {
  return new ServiceError("ValidationException", message);
}

/** Where `{id}` is put for the id, so that addresses can be made later as this client needs them. */
export function requestOf(
  { random }: Pick<CloudFormationParts, "random">,
  operation: string,
  clientRequestToken: string | undefined,
  { addressOf }: ServiceContext,
): StackRequest {
  return {
    operation,
    clientRequestToken: clientRequestToken ?? null,
    operationId: random.uuid(),
    addresses: { "lambda-url": addressOf("lambda-url", "{id}"), "execute-api": addressOf("execute-api", "{id}") },
  };
}

/** True where the client asks for the same thing again. */
export function isRepeated(stack: StackRecord, operation: string, token: string | undefined): boolean {
  if (token === undefined || stack.request?.clientRequestToken !== token) return false;
  if (stack.request.operation === operation) return true;
  throw new ServiceError("TokenAlreadyExistsException", `A client request token already exists: ${token}`);
}
