/** Systems Manager, of which Thaw has the parameters: put, read, listed and removed, with versions and labels. */
import { type OperationTypes, type Parameter, SSM } from "@thaw/aws-api/ssm";
import { type ParameterRecord, type ParameterVersionInfo, valueId } from "../../model/parameter-record.ts";
import { ServiceError } from "../../model/service-error.ts";
import { Turns } from "../../base/turns.ts";
import type { Write } from "../../ports/metadata-store.ts";
import type { ServiceOperations } from "../aws-service.ts";
import { changeEntries } from "../entries.ts";
import { keyBefore, pageOf } from "../entry-pages.ts";
import { arnOf, findParameter, findVersion, invalid, readName, type SsmParts } from "./context.ts";
import { checkFilters, isBelow, matchesAll } from "./filters.ts";
import { labelOperations } from "./labels.ts";
import { putParameter } from "./put.ts";
import { openValue } from "./sealed-values.ts";
import { tagOperations } from "./tags.ts";

export { SSM };
export type { SsmParts };

const PAGE_LENGTH = 50;
const PATH_PAGE_LENGTH = 10;
/** With 100 versions each, and all that may be said of them, this is some MB. */
const READ_AT_ONCE = 20;

export function ssmOperations(parts: SsmParts): ServiceOperations<OperationTypes> {
  return {
    PutParameter: (input, context) => putParameter(parts, input, context),
    ...readOperations(parts),
    ...listOperations(parts),
    ...removalOperations(parts),
    ...labelOperations(parts),
    ...tagOperations(parts),
  };
}

export function insteadOfSsm(): string {
  return "Of Systems Manager Thaw has parameters.";
}

function readOperations(parts: SsmParts): ServiceOperations<OperationTypes> {
  return {
    async GetParameter({ Name, WithDecryption = false }) {
      return { Parameter: await read(parts, Name, WithDecryption) };
    },
    async GetParameters({ Names, WithDecryption = false }) {
      if (new Set(Names).size < Names.length) throw invalid("Names must be unique.");
      const found: Parameter[] = [];
      const missing: string[] = [];
      for (const name of Names) {
        try {
          found.push(await read(parts, name, WithDecryption));
        } catch (error) {
          if (!(error instanceof ServiceError) || !MISSING.has(error.code)) throw error;
          missing.push(name);
        }
      }
      return { Parameters: found, InvalidParameters: missing };
    },
    async GetParametersByPath({ Path, Recursive = false, ParameterFilters = [], WithDecryption = false, ...wish }) {
      if (!Path.startsWith("/")) throw invalid("The parameter path must begin with a slash.");
      checkFilters(ParameterFilters, ["Type", "KeyId", "Label", "DataType", "tag:"]);
      const isWanted = (each: ParameterRecord): boolean =>
        isBelow(each.id, Path, Recursive) && matchesAll(each, ParameterFilters);
      const { items, rest } = await parameterPage(parts, isWanted, wish, PATH_PAGE_LENGTH);
      const label = ParameterFilters.find(({ Key }) => Key === "Label")?.Values?.[0];
      const shown = items.map((each) => present(parts, each, label === undefined ? "" : `:${label}`, WithDecryption));
      return { Parameters: await Promise.all(shown), ...rest };
    },
  };
}

const MISSING: ReadonlySet<string> = new Set(["ParameterNotFound", "ParameterVersionNotFound"]);

function listOperations(parts: SsmParts): ServiceOperations<OperationTypes> {
  return {
    async DescribeParameters({ Filters = [], ParameterFilters = [], Shared = false, ...wish }) {
      if (Shared) throw invalid("Parameters are not shared between accounts here.");
      if (Filters.length > 0 && ParameterFilters.length > 0)
        throw invalid("Filters and ParameterFilters can't be used together.");
      const older = Filters.map(({ Key, Values }) => ({
        Key,
        Values,
        Option: Key === "Name" ? "BeginsWith" : "Equals",
      }));
      const filters = [...older, ...ParameterFilters];
      checkFilters(filters, ["Name", "Type", "KeyId", "Path", "Label", "Tier", "DataType", "tag:"]);
      const { items, rest } = await parameterPage(parts, (each) => matchesAll(each, filters), wish, PAGE_LENGTH);
      const shown = items.map((each) => ({ ...describe(each, findVersion(each, "")), ARN: arnOf(parts, each.id) }));
      return { Parameters: shown, ...rest };
    },
    async GetParameterHistory({ Name, WithDecryption = false, ...wish }) {
      const parameter = await findParameter(parts, readName(parts, Name).name);
      const orderOf = ({ version }: ParameterVersionInfo): string => String(version).padStart(12, "0");
      const { items, rest } = listPage(parameter.versions, orderOf, wish, PAGE_LENGTH);
      const shown = items.map(async (version) => ({
        ...describe(parameter, version),
        Value: await valueOf(parts, parameter, version, WithDecryption),
        Labels: version.labels,
      }));
      return { Parameters: await Promise.all(shown), ...rest };
    },
  };
}

function removalOperations(parts: SsmParts): ServiceOperations<OperationTypes> {
  const remove = (name: string): Promise<Record<string, never>> =>
    changeEntries(parts.store, "TooManyUpdates", async (store) => {
      const record = await findParameter(parts, name);
      const values = await Promise.all(
        record.versions.map(({ version }) => store.getAccountEntry("ssmParameterValue", valueId(name, version))),
      );
      const removals = values.flatMap((value): Write[] =>
        value === null ? [] : [{ op: "remove", kind: "ssmParameterValue", record: value }],
      );
      return { writes: [{ op: "remove", kind: "ssmParameter", record }, ...removals], result: {} };
    });
  return {
    DeleteParameter: ({ Name }) => remove(readName(parts, Name).name),
    async DeleteParameters({ Names }) {
      const removed: string[] = [];
      const missing: string[] = [];
      for (const name of new Set(Names)) {
        try {
          await remove(name);
          removed.push(name);
        } catch (error) {
          if (!(error instanceof ServiceError) || !MISSING.has(error.code)) throw error;
          missing.push(name);
        }
      }
      return { DeletedParameters: removed, InvalidParameters: missing };
    },
  };
}

async function read(parts: SsmParts, given: string, isOpened: boolean): Promise<Parameter> {
  const { name, selector } = readName(parts, given);
  return present(parts, await findParameter(parts, name), selector, isOpened);
}

async function present(
  parts: SsmParts,
  parameter: ParameterRecord,
  selector: string,
  isOpened: boolean,
): Promise<Parameter> {
  const version = findVersion(parameter, selector);
  return {
    Name: parameter.id,
    Type: parameter.type,
    Value: await valueOf(parts, parameter, version, isOpened),
    Version: version.version,
    ...(selector === "" ? {} : { Selector: selector }),
    LastModifiedDate: new Date(version.modifiedMs),
    ARN: arnOf(parts, parameter.id),
    DataType: "text",
  };
}

/** Without decryption a secure value is shown as it is sealed. */
async function valueOf(
  parts: SsmParts,
  { id }: ParameterRecord,
  { version }: ParameterVersionInfo,
  isOpened: boolean,
): Promise<string> {
  const kept = await parts.store.getAccountEntry("ssmParameterValue", valueId(id, version));
  // Removed between two reads.
  if (kept === null) throw new ServiceError("ParameterNotFound", "");
  return isOpened ? openValue(parts, id, version, kept) : kept.value;
}

function describe({ id, type }: ParameterRecord, version: ParameterVersionInfo) {
  return {
    Name: id,
    Type: type,
    ...(version.keyId === null ? {} : { KeyId: version.keyId }),
    LastModifiedDate: new Date(version.modifiedMs),
    LastModifiedUser: version.modifiedBy,
    ...(version.description === "" ? {} : { Description: version.description }),
    Version: version.version,
    Tier: version.tier,
    Policies: [],
    DataType: "text",
  };
}

interface PageWish {
  readonly NextToken?: string;
  readonly MaxResults?: number;
}

/** Reads a few parameters at a time, each with all of its versions, and lets others have their turn between them. */
async function parameterPage(
  { store, clock }: SsmParts,
  isWanted: (parameter: ParameterRecord) => boolean,
  wish: PageWish,
  most: number,
) {
  const length = wish.MaxResults ?? most;
  const turns = new Turns(clock);
  const wanted: ParameterRecord[] = [];
  let after: string | null = keyBefore(wish.NextToken);
  // One more than the page has tells whether there is another one.
  while (after !== null && wanted.length <= length) {
    const some: readonly ParameterRecord[] = await store.listAccountEntriesAfter("ssmParameter", after, READ_AT_ONCE);
    wanted.push(...some.filter(isWanted));
    after = some.length < READ_AT_ONCE ? null : (some.at(-1)?.id ?? null);
    await turns.next();
  }
  return listPage(wanted, ({ id }) => id, wish, most);
}

function listPage<T>(all: readonly T[], keyOf: (item: T) => string, { NextToken, MaxResults }: PageWish, most: number) {
  const page = pageOf(all, keyOf, { length: MaxResults ?? most, token: NextToken });
  if (page === null) throw new ServiceError("InvalidNextToken", "The specified token is not valid.");
  return { items: page.items, rest: page.next === null ? {} : { NextToken: page.next } };
}
