/** Makes of a request what a stack is to be made of, and the differences to what is there. */
import { capabilitiesOf } from "@thaw/stacks/capabilities";
import { checkReferencesInSteps } from "@thaw/stacks/dynamic-references";
import { type Plan, planInSteps } from "@thaw/stacks/plan";
import { neededSsmParameters, prepareInSteps, TemplateError } from "@thaw/stacks/prepare";
import type { StackPlace } from "@thaw/stacks/prepared";
import { TWICE } from "@thaw/template/notes";
import type { Template } from "@thaw/template/template";
import { isTemplateMap } from "@thaw/template/value";
import { inTurns } from "../../base/turns.ts";
import { ServiceError } from "../../model/service-error.ts";
import type { StackSource } from "../../model/stack-record.ts";
import { CallError } from "../../ports/service-calls.ts";
import { type CloudFormationParts, invalid } from "./context.ts";
import { type GivenTemplate, processed, readText, textOf } from "./templates.ts";

/** Members that creations, updates and change sets share. */
export interface GivenSource extends GivenTemplate {
  readonly UsePreviousTemplate?: boolean;
  readonly Parameters?: ReadonlyArray<{
    readonly ParameterKey?: string;
    readonly ParameterValue?: string;
    readonly UsePreviousValue?: boolean;
  }>;
  readonly Capabilities?: readonly string[];
  readonly ResourceTypes?: readonly string[];
  readonly RoleARN?: string;
  readonly RollbackConfiguration?: object;
  readonly NotificationARNs?: readonly string[];
  readonly Tags?: ReadonlyArray<{ readonly Key: string; readonly Value: string }>;
}

export interface PlannedSource {
  readonly source: StackSource;
  readonly plan: Plan;
}

/** The stack that it is for: its place, and what it was made of; null: it is new. */
export interface PlanningFor {
  readonly stackId: string;
  readonly stackName: string;
  readonly previous: StackSource | null;
  /** Of the service itself: it may give tags that clients may not. */
  readonly isOwn: boolean;
  /** A change set shows what macros make before it is made: their capability is not asked for, as on AWS. */
  readonly isChangeSet?: boolean;
}

const TAGS_MAX = 50;
const EXPORTS_MAX = 10_000;

/** Throws a ServiceError, or TransformFailed. */
export async function planSource(
  parts: CloudFormationParts,
  given: GivenSource,
  { stackId, stackName, previous, isOwn, isChangeSet = false }: PlanningFor,
): Promise<PlannedSource> {
  const text = await givenText(parts, given, previous);
  const read = await readText(parts, text);
  checkResourceTypes(read.template, given.ResourceTypes ?? []);
  const parameters = await parametersOf(parts, given, stackId, previous);
  const place = placeOf(parts, stackId, stackName);
  const ssm = await orInvalid(() => ssmValues(parts, read.template, parameters));
  const whole = await processed(parts, read, { place, parameters, ssm });
  checkCapabilities(isChangeSet ? null : read.template, whole.template, given.Capabilities ?? []);
  if ((given.NotificationARNs ?? []).length > 0)
    throw invalid("Thaw has no topics to notify: leave NotificationARNs out");
  const { clock, stacks } = parts;
  const { prepared, secrets } = await orInvalid(async () => {
    const exports = await foreignExports(parts, stackId);
    const steps = prepareInSteps({
      template: whole.template,
      place,
      tags: tagsOf(given, previous, isOwn),
      parameters,
      ssm,
      exports,
      types: stacks.types,
      digest: (value) => stacks.digest(value),
    });
    return inTurns(clock, steps);
  });
  const resources = previous === null ? [] : await parts.store.stacks.listParts(stackId, "resource");
  const { types } = stacks;
  const planned = await orInvalid(async () => {
    const steps = planInSteps({ target: prepared, previous: previous?.prepared ?? null, resources, types });
    const made = await inTurns(clock, steps);
    await inTurns(clock, checkReferencesInSteps(made.changes, types));
    return made;
  });
  const source: StackSource = {
    original: whole.original,
    processed: whole.processed,
    transforms: whole.transforms,
    description: read.template.description,
    prepared,
    capabilities: given.Capabilities ?? [],
    roleArn: given.RoleARN ?? previous?.roleArn ?? null,
    rollbackConfiguration: given.RollbackConfiguration ?? previous?.rollbackConfiguration ?? {},
    secrets: await stacks.seal(stackId, secrets),
  };
  return { source, plan: { ...planned, ...noted(read.template) } };
}

/** AWS takes a key that is there twice as silently as JSON does. In its answers only a reason has room for a note. */
function noted({ doubles }: Template): { readonly note?: string } {
  if (doubles.length === 0) return {};
  const [first, ...more] = [...new Set(doubles)];
  return {
    note: `In the template ${first ?? ""} ${TWICE}${more.length === 0 ? "" : `; ${more.length} more such keys`}`,
  };
}

async function givenText(
  parts: CloudFormationParts,
  given: GivenSource,
  previous: StackSource | null,
): Promise<string> {
  const text = await textOf(parts, given);
  if (text !== null) {
    if (given.UsePreviousTemplate === true)
      throw invalid("You cannot specify both usePreviousTemplate and Template Body or Template URL.");
    return text;
  }
  if (given.UsePreviousTemplate === true && previous !== null) return previous.original;
  throw invalid("Either Template URL or Template Body must be specified.");
}

async function parametersOf(
  { stacks }: CloudFormationParts,
  { Parameters: given = [] }: GivenSource,
  stackId: string,
  previous: StackSource | null,
): Promise<Readonly<Record<string, string>>> {
  const secrets = await stacks.open(stackId, previous?.secrets ?? null);
  const values = new Map<string, string>();
  for (const { ParameterKey: key, ParameterValue: value, UsePreviousValue: isPrevious = false } of given) {
    if (key === undefined) throw invalid("Each parameter must have a ParameterKey");
    if (values.has(key)) throw invalid(`Duplicate parameter key(s) found: [${key}]`);
    if (!isPrevious) {
      values.set(key, value ?? "");
      continue;
    }
    const before = previous?.prepared.parameters[key];
    if (before === undefined)
      throw invalid(
        `Invalid input for parameter key ${key}. Cannot specify usePreviousValue as true for a parameter key not in the previous template`,
      );
    if (value !== undefined)
      throw invalid(`Invalid input for parameter key ${key}. Cannot specify usePreviousValue as true and a value`);
    const own = secrets.filter(({ name }) => name === key).map((secret) => secret.value);
    values.set(key, before.isSecret ? own.join(",") : before.given);
  }
  return Object.fromEntries(values);
}

function placeOf({ scope }: CloudFormationParts, stackId: string, stackName: string): StackPlace {
  return { accountId: scope.accountId, region: scope.region, stackId, stackName, notificationArns: [] };
}

function tagsOf(
  { Tags: given }: GivenSource,
  previous: StackSource | null,
  isOwn: boolean,
): Readonly<Record<string, string>> {
  if (given === undefined) return previous?.prepared.tags ?? {};
  if (given.length > TAGS_MAX) throw invalid(`Number of tags exceeds the limit of ${TAGS_MAX}`);
  const foreign = given.find(({ Key: key }) => key.toLowerCase().startsWith("aws:"));
  if (foreign !== undefined && !isOwn)
    throw invalid(
      `${foreign.Key} is not a valid tag key. aws: prefixed tag key names are not allowed for external use.`,
    );
  return Object.fromEntries(given.map(({ Key: key, Value: value }) => [key, value]));
}

async function ssmValues(
  { services }: CloudFormationParts,
  template: Template,
  parameters: Readonly<Record<string, string>>,
): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const name of new Set(neededSsmParameters(template, parameters)))
    try {
      const { Parameter: parameter } = await services.call("ssm", "GetParameter", { Name: name });
      found.set(name, String((parameter as { readonly Value?: string }).Value));
    } catch (error) {
      // `prepare` says which ones are not there.
      if (!(error instanceof CallError)) throw error;
    }
  return found;
}

async function foreignExports({ store }: CloudFormationParts, stackId: string): Promise<ReadonlyMap<string, string>> {
  const all = await store.stacks.listExports("", EXPORTS_MAX);
  return new Map(all.filter((each) => each.stackId !== stackId).map(({ name, value }) => [name, value]));
}

/**
 * Of both: a macro's capability is asked for by the template as given, those of IAM by what becomes of it. `given` is
 * null where the first is not asked for.
 */
function checkCapabilities(given: Template | null, whole: Template, had: readonly string[]): void {
  const expand = (given === null ? [] : capabilitiesOf(given).names).filter(
    (name) => name === "CAPABILITY_AUTO_EXPAND",
  );
  const needed = [...capabilitiesOf(whole).names, ...expand];
  // A named one stands for both.
  const isHad = (name: string): boolean =>
    had.includes(name) || (name === "CAPABILITY_IAM" && had.includes("CAPABILITY_NAMED_IAM"));
  const missing = [...new Set(needed)].filter((name) => !isHad(name));
  if (missing.length > 0)
    throw new ServiceError("InsufficientCapabilitiesException", `Requires capabilities : [${missing.join(", ")}]`);
}

/** `AWS::*`, `AWS::Lambda::*`, `Custom::*`, or a type; none: all. */
function checkResourceTypes({ resources }: Template, allowed: readonly string[]): void {
  if (allowed.length === 0) return;
  const isAllowed = (type: string): boolean =>
    allowed.some((each) => (each.endsWith("*") ? type.startsWith(each.slice(0, -1)) : each === type));
  const types = Object.values(resources).flatMap((each) => (isTemplateMap(each) ? [String(each["Type"])] : []));
  const foreign = [...new Set(types)].filter((type) => !isAllowed(type));
  if (foreign.length > 0) throw invalid(`Resource types [${foreign.join(", ")}] are not among the given ResourceTypes`);
}

async function orInvalid<T>(make: () => Promise<T>): Promise<T> {
  try {
    return await make();
  } catch (error) {
    if (error instanceof TemplateError) throw invalid(error.message);
    throw error;
  }
}
