/**
 * Change sets of the stacks in a stack, as IncludeNestedStacks asks for them. They belong to the change set of the
 * outermost one, the root: they come, are carried out and go with it.
 */
import { nestedInput, type NestedInput, readTags, stackTags } from "@thaw/stacks/nested-stack";
import type { ResourceChange } from "@thaw/stacks/plan";
import { KNOWN_AFTER_APPLY } from "@thaw/stacks/scope";
import { fillSecrets } from "@thaw/stacks/secrets";
import { isTemplateMap, type TemplateMap } from "@thaw/template/value";
import { ServiceError } from "../../model/service-error.ts";
import type { NestedChangeSet, StackRecord } from "../../model/stack-record.ts";
import { type CloudFormationParts, sourceOf } from "./context.ts";
import { type PlannedSource, planSource, type PlanningFor } from "./planning.ts";
import { TransformFailed } from "./templates.ts";

/** A change set, and the stack that it is for. */
interface Parent {
  readonly id: string;
  readonly name: string;
  readonly stack: Pick<StackRecord, "id" | "name">;
  readonly planned: PlannedSource;
}

type Found = NestedChangeSet & { readonly secretsOf: PlannedSource | null };

const STACK = "AWS::CloudFormation::Stack";
const DEPTH_MAX = 10;
/** A template that nests itself several times would have no end. */
const COUNT_MAX = 100;
const NAME_LENGTH_MAX = 128;
const FROM_ROOT = "Executable from root change set";
/** In place of what a stack is called that is not there yet, where a template takes its name or id apart. */
const SAMPLE = { name: "stack", uuid: "00000000-0000-0000-0000-000000000000" };

export function changeSetId({ scope, random }: CloudFormationParts, name: string): string {
  return `arn:aws:cloudformation:${scope.region}:${scope.accountId}:changeSet/${name}/${random.uuid()}`;
}

/** Throws TransformFailed where one of them can't be planned: its parent's has failed, too. */
export async function nestedSets(parts: CloudFormationParts, root: Parent): Promise<readonly NestedChangeSet[]> {
  const all: NestedChangeSet[] = [];
  let parents: readonly Parent[] = [root];
  for (let depth = 1; parents.length > 0; depth++) {
    const found: Found[] = [];
    for (const parent of parents)
      for (const change of parent.planned.plan.changes) {
        if (change.type !== STACK || change.action === "Remove") continue;
        if (depth > DEPTH_MAX || all.length + found.length >= COUNT_MAX)
          throw new TransformFailed(
            `Stacks are nested ${DEPTH_MAX} levels deep at most, and a change set shows ${COUNT_MAX} of them at most`,
          );
        found.push(await nestedSet(parts, parent, change));
      }
    all.push(...found.map(({ secretsOf: _secretsOf, ...each }) => each));
    parents = found.flatMap(parentOf);
  }
  return all;
}

function parentOf({ id, name, stackId, stackName, secretsOf }: Found): readonly Parent[] {
  if (secretsOf === null) return [];
  return [
    { id, name, stack: { id: stackId ?? KNOWN_AFTER_APPLY, name: stackName ?? KNOWN_AFTER_APPLY }, planned: secretsOf },
  ];
}

async function nestedSet(parts: CloudFormationParts, parent: Parent, change: ResourceChange): Promise<Found> {
  const { logicalId, physicalId } = change;
  const suffix = `-${logicalId}-${parts.random.uuid().slice(0, 12).replaceAll("-", "")}`;
  const name = `${parent.name.slice(0, Math.max(1, NAME_LENGTH_MAX - suffix.length))}${suffix}`.slice(
    0,
    NAME_LENGTH_MAX,
  );
  const id = changeSetId(parts, name);
  const stack = physicalId === null ? null : await parts.store.stacks.getStack(physicalId);
  const input = await inputOf(parts, parent, change);
  const planned = await plannedOrLater(parts, input, stack).catch((error: unknown) => {
    if (!isRefusal(error)) throw error;
    throw new TransformFailed(
      `Nested change set ${id} was not successfully created: Currently in FAILED. ${logicalId}: ${error.message}`,
    );
  });
  const later = `its changes are known when it is executed, as they depend on ${laterOf(input) ?? "the id of the stack"}`;
  return {
    id,
    name,
    parentId: parent.id,
    logicalId,
    stackId: stack?.id ?? null,
    stackName: stack?.name ?? null,
    statusReason: planned === null ? `${FROM_ROOT}; ${later}` : FROM_ROOT,
    // Nothing is made by it, so it needs no secrets.
    planned: planned === null ? null : { ...planned, source: { ...planned.source, secrets: null } },
    secretsOf: planned,
  };
}

async function inputOf(
  { stacks }: CloudFormationParts,
  { stack, planned }: Parent,
  { logicalId, after }: ResourceChange,
): Promise<NestedInput> {
  const secrets = await stacks.open(stack.id, planned.source.secrets);
  const given = after?.["Properties"];
  const properties: TemplateMap = fillSecrets(
    isTemplateMap(given) ? given : {},
    (name, digest) => secrets.find((each) => each.name === name && each.digest === digest)?.value ?? "",
  );
  const { tags } = planned.plan.target;
  return nestedInput(properties, { ...stackTags(stack, logicalId, tags), ...readTags(properties["Tags"]) });
}

/** Null: what it changes is known only when it is carried out. */
async function plannedOrLater(
  parts: CloudFormationParts,
  input: NestedInput,
  stack: StackRecord | null,
): Promise<PlannedSource | null> {
  if (input.TemplateURL.includes(KNOWN_AFTER_APPLY)) return null;
  const previous = stack === null ? null : await sourceOf(parts, stack.id);
  const plan = (name: string, uuid: string): Promise<PlannedSource> => {
    const id = `arn:aws:cloudformation:${parts.scope.region}:${parts.scope.accountId}:stack/${name}/${uuid}`;
    const to: PlanningFor = { stackId: stack?.id ?? id, stackName: stack?.name ?? name, previous, isOwn: true };
    return planSource(parts, input, { ...to, isChangeSet: true });
  };
  try {
    return await plan(KNOWN_AFTER_APPLY, KNOWN_AFTER_APPLY);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    if (laterOf(input) !== null) return null;
    if (stack !== null) throw error;
    await plan(SAMPLE.name, SAMPLE.uuid);
    return null;
  }
}

/** Names what is known later of what it is given; null: all is known. */
function laterOf({ TemplateURL: url, Parameters: parameters }: NestedInput): string | null {
  const isLater = (value: string): boolean => value.includes(KNOWN_AFTER_APPLY) || value.includes("{{resolve:");
  if (isLater(url)) return "TemplateURL";
  const names = parameters.filter((each) => isLater(each.ParameterValue)).map((each) => each.ParameterKey);
  return names.length === 0 ? null : `the parameters [${names.join(", ")}]`;
}

function isRefusal(error: unknown): error is ServiceError | TransformFailed {
  return error instanceof ServiceError || error instanceof TransformFailed;
}
