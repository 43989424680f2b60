/**
 * Carries out a plan, with progress: layers, then functions, several at once, then versions, aliases, the settings of
 * asynchronous invokes, then what the template no longer has. Can be run again after any failure.
 */
import { DeleteAliasCommand, DeleteFunctionCommand, ResourceNotFoundException } from "@aws-sdk/client-lambda";
import { CommandError } from "@thaw/installation/command-error";
import type { Plan, PlannedAlias, PlannedFunction } from "@thaw/template/planned";
import { fillMarks, layerKey, urlValues } from "@thaw/template/marks";
import { isTemplateList, isTemplateMap, type TemplateMap, type TemplateValue } from "@thaw/template/value";
import type { Connection } from "../connection.ts";
import { applyEventInvoke, removeEventInvoke } from "./apply-event-invoke.ts";
import { applyFunction, type Deployed } from "./apply-function.ts";
import { applyLayer } from "./apply-layer.ts";
import { pointAlias, type Progress, provision, publishVersion } from "./publish.ts";
import {
  joinRecords,
  readRecord,
  recordOf,
  type RecordedFunction,
  type StackRecord,
  writeRecord,
} from "./stack-record.ts";
import { applyUrls, type DeployedUrl, removePermission, removeUrl, statementOf } from "./urls.ts";

export interface Place {
  /** Directory of the template, which paths of code start from. */
  readonly baseDir: string;
  /** Name under which the server keeps what was deployed. */
  readonly recordKey: string;
  readonly progress: Progress;
}

export interface Applied {
  readonly functions: readonly Deployed[];
  readonly urls: readonly DeployedUrl[];
  readonly outputs: Readonly<Record<string, string>>;
}

/** Each of them packs, uploads and waits for a snapshot; the server does one publish after the other for itself. */
const AT_ONCE = 4;

/** Throws CommandError when some functions could not be deployed, after the others were. */
export async function applyPlan(connection: Connection, plan: Plan, place: Place): Promise<Applied> {
  const before = await readRecord(connection, place.recordKey);
  const after = recordOf(plan);
  // Both, until it is done: a deployment that is cut off forgets nothing.
  await writeRecord(connection, place.recordKey, joinRecords(before, after));
  const numbers = new Map<string, string>();
  for (const layer of plan.layers)
    numbers.set(layerKey(layer.logicalId), await applyLayer(connection, layer, place.baseDir, place.progress));
  const planned = plan.functions.map((each) => ({ ...each, config: fillMap(each.config, numbers) }));
  const functions = await applyFunctions(connection, planned, before, place);
  for (const [at, { version }] of functions.entries())
    for (const [logicalId, number] of versionOf(plan.functions[at], version)) numbers.set(logicalId, number);
  for (const version of plan.versions) {
    const number = await publishVersion(connection, version, place.progress);
    numbers.set(version.logicalId, number);
    await provision(connection, version.functionName, number, version.provisionedConcurrency, place.progress);
  }
  for (const alias of plan.aliases) await applyAlias(connection, alias, numbers, place.progress);
  const rest = deployable(plan, place.progress);
  const applied = await applyUrls(connection, rest, keysOf(before), place.progress);
  for (const { logicalId, url } of applied)
    for (const [key, value] of urlValues(logicalId, url)) numbers.set(key, value);
  const urls = applied.map(({ functionName, qualifier, url }) => ({ functionName, qualifier, url }));
  for (const each of rest.eventInvokes) await applyEventInvoke(connection, each, numbers, place.progress);
  const kept = await removeGone(connection, before, after, new Set(plan.functionNames), place.progress);
  await writeRecord(connection, place.recordKey, { ...after, ...kept });
  const outputs = Object.entries(plan.outputs).map(([name, value]) => [name, fillMarks(value, numbers) ?? value]);
  return { functions, urls, outputs: Object.fromEntries(outputs) as Record<string, string> };
}

/** What belongs to a function that was left out is left out, too. */
function deployable(
  { functionNames, functions, urls, permissions, eventInvokes }: Plan,
  progress: Progress,
): Pick<Plan, "urls" | "permissions" | "eventInvokes"> {
  const left = new Set(functionNames.filter((name) => !functions.some((each) => each.name === name)));
  const isThere = ({ functionName }: { readonly functionName: string }): boolean => !left.has(functionName);
  for (const { functionName } of urls.filter((url) => !isThere(url)))
    progress(`${functionName}: its URL is left out with it`);
  for (const { functionName } of eventInvokes.filter((each) => !isThere(each)))
    progress(`${functionName}: its settings of asynchronous invokes are left out with it`);
  return {
    urls: urls.filter(isThere),
    permissions: permissions.filter(isThere),
    eventInvokes: eventInvokes.filter(isThere),
  };
}

function keysOf(record: StackRecord): ReadonlySet<string> {
  return new Set(
    Object.entries(record).flatMap(([name, { permissions }]) => permissions.map((key) => `${name} ${key}`)),
  );
}

function versionOf(
  planned: PlannedFunction | undefined,
  version: string | null,
): ReadonlyArray<readonly [string, string]> {
  return planned === undefined || version === null ? [] : [[planned.logicalId, version]];
}

/** A setting with the numbers of the layers' versions in the place of their marks. */
function fillIn(value: TemplateValue, numbers: ReadonlyMap<string, string>): TemplateValue {
  if (typeof value === "string") return fillMarks(value, numbers) ?? value;
  if (isTemplateList(value)) return value.map((item) => fillIn(item, numbers));
  return isTemplateMap(value) ? fillMap(value, numbers) : value;
}

function fillMap(map: TemplateMap, numbers: ReadonlyMap<string, string>): TemplateMap {
  return Object.fromEntries(Object.entries(map).map(([key, member]) => [key, fillIn(member, numbers)]));
}

async function applyFunctions(
  connection: Connection,
  planned: readonly PlannedFunction[],
  before: StackRecord,
  { baseDir, progress }: Place,
): Promise<readonly Deployed[]> {
  const waiting = [...planned.entries()];
  const deployed: Deployed[] = [];
  const failures: string[] = [];
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [at, each] = next;
      const tagsGone = (before[each.name]?.tags ?? []).filter((key) => !Object.hasOwn(each.tags, key));
      try {
        deployed[at] = await applyFunction(connection, { planned: each, baseDir, tagsGone, progress });
      } catch (error) {
        failures.push(failureOf(each.name, error));
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  if (failures.length > 0) throw new CommandError(failures.join("\n"));
  return deployed;
}

function failureOf(name: string, error: unknown): string {
  const { message, name: kind } = error as Error;
  if (error instanceof CommandError) return message.startsWith(`${name}:`) ? message : `${name}: ${message}`;
  // The same for all functions, and told by the caller.
  if ((error as { code?: string }).code === "ECONNREFUSED") throw error;
  return `${name}: ${kind}: ${message}`;
}

async function applyAlias(
  connection: Connection,
  alias: PlannedAlias,
  numbers: ReadonlyMap<string, string>,
  progress: Progress,
): Promise<void> {
  const { functionName, name, description } = alias;
  const number = (mark: string): string => {
    const found = fillMarks(mark, numbers);
    if (found === null) throw new CommandError(`${functionName}: alias ${name} needs a version that was not published`);
    // A version's ARN ends with its number.
    return found.split(":").at(-1) ?? found;
  };
  const weights = Object.fromEntries(Object.entries(alias.weights).map(([mark, weight]) => [number(mark), weight]));
  const version = number(alias.version);
  await pointAlias(connection, { functionName, name, version, description: description ?? "", weights }, progress);
  await provision(connection, functionName, name, alias.provisionedConcurrency, progress);
}

/** Removes what an earlier deployment made and the template no longer has. Gives the records of what stays. */
async function removeGone(
  connection: Connection,
  before: StackRecord,
  after: StackRecord,
  present: ReadonlySet<string>,
  progress: Progress,
): Promise<StackRecord> {
  const kept: Record<string, StackRecord[string]> = {};
  for (const [name, recorded] of Object.entries(before)) {
    const now = after[name];
    if (now !== undefined) {
      await removeGoneUrls(connection, name, recorded, now, progress);
      for (const alias of recorded.aliases.filter((each) => !now.aliases.includes(each))) {
        progress(`${name}: alias ${alias} is removed, for the template no longer has it`);
        await remove(() => connection.lambda.send(new DeleteAliasCommand({ FunctionName: name, Name: alias })));
      }
      for (const qualifier of recorded.eventInvokes.filter((each) => !now.eventInvokes.includes(each))) {
        progress(`${name}: the settings of asynchronous invokes of ${qualifier} are removed`);
        await removeEventInvoke(connection, name, qualifier);
      }
    } else if (present.has(name)) kept[name] = recorded;
    else if (recorded.isRetained) progress(`${name}: stays, for its DeletionPolicy says so`);
    else {
      progress(`${name}: is removed, for the template no longer has it`);
      await remove(() => connection.lambda.send(new DeleteFunctionCommand({ FunctionName: name })));
    }
  }
  return kept;
}

async function removeGoneUrls(
  connection: Connection,
  name: string,
  recorded: RecordedFunction,
  now: RecordedFunction,
  progress: Progress,
): Promise<void> {
  for (const qualifier of recorded.urls.filter((each) => !now.urls.includes(each))) {
    progress(`${name}: the URL of ${qualifier} is removed, for the template no longer has it`);
    await removeUrl(connection, name, qualifier);
  }
  const statements = new Set(now.permissions.map(statementOf));
  for (const key of recorded.permissions.filter((each) => !statements.has(statementOf(each)))) {
    progress(`${name}: the permission ${statementOf(key)} is removed, for the template no longer has it`);
    await removePermission(connection, name, key);
  }
}

async function remove(send: () => Promise<unknown>): Promise<void> {
  try {
    await send();
  } catch (error) {
    if (!(error instanceof ResourceNotFoundException)) throw error;
  }
}
