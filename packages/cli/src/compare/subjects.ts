/** Which versions are compared, and whether they can be. Nothing of the function is changed. */
import {
  type FunctionConfiguration,
  GetAliasCommand,
  GetFunctionConfigurationCommand,
  paginateListVersionsByFunction,
  ResourceNotFoundException,
} from "@aws-sdk/client-lambda";
import { PROGRAM } from "@thaw/installation";
import { CommandError } from "@thaw/installation/command-error";
import type { Connection } from "../connection.ts";
import type { Subject } from "./measure.ts";
import { oneLine } from "./report.ts";

const LATEST = "$LATEST";
const QUALIFIERS_MAX = 5;

export interface Chosen {
  readonly functionName: string;
  readonly subjects: readonly Subject[];
  readonly notes: readonly string[];
}

interface Found extends Omit<Subject, "isPrimed"> {
  readonly configuration: FunctionConfiguration;
  readonly notes: readonly string[];
}

/**
 * `target`: NAME or NAME:QUALIFIER. With one qualifier or none a version with a snapshot is compared with Init, which
 * `$LATEST` does at each cold start. Throws CommandError with what to do where that can't be compared.
 */
export async function chooseSubjects(
  connection: Connection,
  target: string,
  qualifiers: readonly string[],
): Promise<Chosen> {
  const { name, wanted } = readTarget(target, qualifiers);
  const latest = await find(connection, name, LATEST);
  const found =
    wanted.length > 1
      ? await Promise.all(wanted.map((qualifier) => find(connection, name, qualifier)))
      : [latest, await findRestored(connection, name, wanted[0])];
  for (const each of found) refuseUnready(name, each);
  const repeated = found.find((each, index) => found.findIndex(({ version }) => version === each.version) < index);
  if (repeated !== undefined)
    throw new CommandError(`version ${repeated.version} of ${name} is named twice: there is nothing to compare`);
  await refuseProvisioned(connection, name, found);
  const published = found.at(-1);
  const differs =
    wanted.length > 1 || published === undefined ? [] : differences(latest.configuration, published.configuration);
  return {
    functionName: latest.configuration.FunctionName ?? name,
    subjects: found.map(({ version, alias }) => ({ version, alias, isPrimed: null })),
    notes: [
      ...found.flatMap(({ notes }) => notes),
      ...(differs.length === 0
        ? []
        : [
            `$LATEST is not what version ${published?.version} was made of: ${differs.join(", ")} differ. Publish a version to compare like with like`,
          ]),
    ],
  };
}

/** Chooses the version to compare unprimed and primed. Throws CommandError as `chooseSubjects` does. */
export async function choosePrimed(
  connection: Connection,
  target: string,
  qualifiers: readonly string[],
): Promise<Chosen> {
  const { name, wanted } = readTarget(target, qualifiers);
  if (wanted.length > 1) throw new CommandError("with --primed and --primed-by one version is compared, not several");
  const found = await findRestored(connection, name, wanted[0]);
  refuseUnready(name, found);
  const { version, alias, configuration, notes } = found;
  return { functionName: configuration.FunctionName ?? name, subjects: [{ version, alias, isPrimed: null }], notes };
}

function readTarget(
  target: string,
  qualifiers: readonly string[],
): { readonly name: string; readonly wanted: readonly string[] } {
  const [name = "", qualifier, ...more] = target.split(":");
  if (name === "" || more.length > 0 || qualifier === "")
    throw new CommandError(`${oneLine(target)}: expected NAME or NAME:QUALIFIER`);
  const wanted = [...(qualifier === undefined ? [] : [qualifier]), ...qualifiers];
  if (wanted.length > QUALIFIERS_MAX)
    throw new CommandError(`${wanted.length} versions: at most ${QUALIFIERS_MAX} are compared in one run`);
  if (wanted.length === 1 && wanted[0] === LATEST)
    throw new CommandError(`name a published version to compare $LATEST with, or none: ${PROGRAM} compare ${name}`);
  return { name, wanted };
}

async function find({ lambda }: Connection, name: string, qualifier: string): Promise<Found> {
  const isAlias = qualifier !== LATEST && !/^\d+$/.test(qualifier);
  try {
    const named = { FunctionName: name, Qualifier: qualifier };
    const configuration = await (await lambda()).send(new GetFunctionConfigurationCommand(named));
    const version = configuration.Version ?? qualifier;
    if (!isAlias) return { version, alias: null, configuration, notes: [] };
    const { RoutingConfig } = await (await lambda()).send(new GetAliasCommand({ FunctionName: name, Name: qualifier }));
    const others = Object.keys(RoutingConfig?.AdditionalVersionWeights ?? {});
    const note = `The alias ${qualifier} gives a part of its invokes to version ${others.join(", ")}: measured is version ${version} alone`;
    return { version, alias: qualifier, configuration, notes: others.length === 0 ? [] : [note] };
  } catch (error) {
    if (!(error instanceof ResourceNotFoundException)) throw error;
    if (qualifier === LATEST)
      throw withCause(`there is no function ${oneLine(name)}. Functions that are there: ${PROGRAM} top`, error);
    const all = `All versions: aws lambda list-versions-by-function --function-name ${name}`;
    throw withCause(`${oneLine(`${name}:${qualifier}`)}: there is no such version or alias. ${all}`, error);
  }
}

/** The cause is what the server said, by which a near name is found. */
function withCause(sentence: string, cause: Error): CommandError {
  return Object.assign(new CommandError(sentence), { cause });
}

/** Finds the version that Init is compared with: the newest one with a snapshot, unless one is named. */
async function findRestored(connection: Connection, name: string, qualifier: string | undefined): Promise<Found> {
  if (qualifier !== undefined) {
    const found = await find(connection, name, qualifier);
    if (hasSnapStart(found.configuration)) return found;
    throw new CommandError(
      `version ${found.version} of ${name} has no SnapStart, so it is not restored. ${howTo(name)}`,
    );
  }
  const versions = await publishedVersions(connection, name);
  const newest = versions.at(-1);
  const configuration = versions.findLast(hasSnapStart);
  if (configuration === undefined) {
    const said =
      newest === undefined
        ? `${name} has no published version`
        : `no published version of ${name} has SnapStart (the newest is ${newest.Version})`;
    throw new CommandError(`${said}, so none is restored. ${howTo(name)}`);
  }
  const { Version: version = "" } = configuration;
  const note = `Version ${newest?.Version} is newer than ${version}, and has no SnapStart`;
  return { version, alias: null, configuration, notes: newest === configuration ? [] : [note] };
}

async function publishedVersions({ lambda }: Connection, name: string): Promise<readonly FunctionConfiguration[]> {
  const versions: FunctionConfiguration[] = [];
  for await (const page of paginateListVersionsByFunction({ client: await lambda() }, { FunctionName: name }))
    versions.push(...(page.Versions ?? []).filter(({ Version }) => Version !== LATEST));
  return versions.toSorted((a, b) => Number(a.Version) - Number(b.Version));
}

function hasSnapStart({ SnapStart }: FunctionConfiguration): boolean {
  return SnapStart?.OptimizationStatus === "On" || SnapStart?.ApplyOn === "PublishedVersions";
}

function howTo(name: string): string {
  return (
    "Write SnapStart: { ApplyOn: PublishedVersions } into the function's template and deploy it; or\n" +
    `  aws lambda update-function-configuration --function-name ${name} --snap-start ApplyOn=PublishedVersions\n` +
    `  aws lambda publish-version --function-name ${name}\n` +
    `Versions without snapshots are compared by name: ${PROGRAM} compare ${name} VERSION VERSION`
  );
}

function refuseUnready(name: string, { version, configuration }: Found): void {
  const { State, StateReason } = configuration;
  if (State === "Failed")
    throw new CommandError(`${name}:${version} has failed: ${oneLine(StateReason ?? "no reason was given")}`);
  if (State === "Pending")
    throw new CommandError(`${name}:${version} is still being made: try again when it is Active`);
  if (State === "Inactive")
    throw new CommandError(
      `${name}:${version} was not invoked for long, and its snapshot is gone. Bring it back: ${PROGRAM} invoke ${name}:${version}`,
    );
}

async function refuseProvisioned(connection: Connection, name: string, found: readonly Found[]): Promise<void> {
  const { provisioned } = await connection.thaw.call("listProvisioned", { query: { function: name } });
  const having = await Promise.all(provisioned.map(({ qualifier }) => find(connection, name, qualifier)));
  const refused = found.find((each) => having.some(({ version }) => version === each.version));
  if (refused !== undefined)
    throw new CommandError(
      `version ${refused.version} of ${name} has provisioned concurrency: it has no cold starts to measure. Compare a version without`,
    );
}

/** Names what of the code and the configuration is not the same. */
function differences(one: FunctionConfiguration, other: FunctionConfiguration): readonly string[] {
  const members: ReadonlyArray<readonly [string, (of: FunctionConfiguration) => unknown]> = [
    ["code", ({ CodeSha256 }) => CodeSha256],
    ["runtime", ({ Runtime }) => Runtime],
    ["handler", ({ Handler }) => Handler],
    ["memory", ({ MemorySize }) => MemorySize],
    ["ephemeral storage", ({ EphemeralStorage }) => EphemeralStorage?.Size],
    ["environment variables", ({ Environment }) => sorted(Environment?.Variables)],
    ["layers", ({ Layers }) => (Layers ?? []).map(({ Arn }) => Arn)],
  ];
  return members.flatMap(([name, get]) => (JSON.stringify(get(one)) === JSON.stringify(get(other)) ? [] : [name]));
}

function sorted(variables: Readonly<Record<string, string>> | undefined): unknown {
  return Object.entries(variables ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1));
}
