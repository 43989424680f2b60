/** A table as CreateTable and UpdateTable take it, out of the properties of a template. */
import { isTemplateList, isTemplateMap, type TemplateMap } from "@thaw/template/value";
import { HandlerError } from "../handler.ts";
import { booleanOf, given, mapOf, mapsOf, textOf } from "../values.ts";
import { withScalars } from "./passed.ts";

export interface Index {
  readonly IndexName: string;
  readonly KeySchema?: unknown;
  readonly Projection?: object;
  readonly ProvisionedThroughput?: object;
  readonly OnDemandThroughput?: object;
  readonly IndexStatus?: string;
}

/** A table as DescribeTable shows it. */
export interface Table {
  readonly TableArn: string;
  readonly TableStatus: string;
  readonly LatestStreamArn?: string;
  readonly BillingModeSummary?: { readonly BillingMode?: string };
  readonly ProvisionedThroughput?: object;
  readonly OnDemandThroughput?: object;
  readonly DeletionProtectionEnabled?: boolean;
  readonly TableClassSummary?: { readonly TableClass?: string };
  readonly SSEDescription?: { readonly Status?: string; readonly KMSMasterKeyArn?: string };
  readonly StreamSpecification?: { readonly StreamEnabled?: boolean; readonly StreamViewType?: string };
  readonly GlobalSecondaryIndexes?: readonly Index[];
}

export interface TableInput {
  readonly KeySchema: unknown;
  readonly AttributeDefinitions: unknown;
  readonly BillingMode: string;
  readonly ProvisionedThroughput?: object;
  readonly OnDemandThroughput?: object;
  readonly GlobalSecondaryIndexes?: readonly Index[];
  readonly LocalSecondaryIndexes?: unknown;
  readonly StreamSpecification?: { readonly StreamEnabled: boolean; readonly StreamViewType: string };
  readonly SSESpecification?: Readonly<Record<string, unknown>>;
  readonly TableClass: string;
  readonly DeletionProtectionEnabled: boolean;
}

/** Says of an index that is there whether it is as wanted. */
export interface IndexChecks {
  readonly isSame: (wanted: Index, now: Index) => boolean;
  readonly isThroughputSame: (wanted: Index, now: Index) => boolean;
}

const NUMBERS = new Set(["ReadCapacityUnits", "WriteCapacityUnits", "MaxReadRequestUnits", "MaxWriteRequestUnits"]);
const INDEX_MEMBERS: ReadonlySet<string> = new Set([
  "IndexName",
  "KeySchema",
  "Projection",
  "ProvisionedThroughput",
  "OnDemandThroughput",
]);

/** Throws a HandlerError for what has another form than CloudFormation's. */
export function tableInput(properties: TemplateMap): TableInput {
  const stream = mapOf(properties, "StreamSpecification");
  const viewType = stream === null ? null : textOf(stream, "StreamViewType");
  const global = mapsOf(properties, "GlobalSecondaryIndexes");
  const local = mapsOf(properties, "LocalSecondaryIndexes");
  checkMembers([...global, ...local]);
  const isOnDemand = textOf(properties, "BillingMode") === "PAY_PER_REQUEST";
  const plain = {
    KeySchema: properties["KeySchema"],
    AttributeDefinitions: properties["AttributeDefinitions"],
    ProvisionedThroughput: isOnDemand ? null : mapOf(properties, "ProvisionedThroughput"),
    OnDemandThroughput: mapOf(properties, "OnDemandThroughput"),
    GlobalSecondaryIndexes: global.length === 0 ? null : global,
    LocalSecondaryIndexes: local.length === 0 ? null : local,
  };
  const input = given({
    ...(withScalars(given(plain) as TemplateMap, NUMBERS, new Set()) as TemplateMap),
    BillingMode: textOf(properties, "BillingMode") ?? "PROVISIONED",
    StreamSpecification: viewType === null ? null : { StreamEnabled: true, StreamViewType: viewType },
    SSESpecification: encryptionOf(properties),
    TableClass: textOf(properties, "TableClass") ?? "STANDARD",
    DeletionProtectionEnabled: booleanOf(properties, "DeletionProtectionEnabled") ?? false,
  });
  return input as unknown as TableInput;
}

/** What an index has besides is not made, and so refused. */
function checkMembers(indexes: readonly TemplateMap[]): void {
  for (const index of indexes) {
    const foreign = Object.keys(index).find((name) => !INDEX_MEMBERS.has(name));
    if (foreign !== undefined) throw new HandlerError(`An index can't have ${foreign} here: leave it out.`);
  }
}

/** CloudFormation calls a member otherwise than DynamoDB. */
function encryptionOf(properties: TemplateMap): object | null {
  const wanted = mapOf(properties, "SSESpecification");
  if (wanted === null) return null;
  return given({
    Enabled: booleanOf(wanted, "SSEEnabled"),
    SSEType: textOf(wanted, "SSEType"),
    KMSMasterKeyId: textOf(wanted, "KMSMasterKeyId"),
  });
}

/** The next change of an index; null: all are as wanted. One that is otherwise goes, and comes again. */
export function indexStep(input: TableInput, there: readonly Index[], checks: IndexChecks): object | null {
  const wanted = input.GlobalSecondaryIndexes ?? [];
  const byName = new Map(wanted.map((index) => [index.IndexName, index]));
  for (const now of there) {
    const index = byName.get(now.IndexName);
    const { IndexName } = now;
    if (index === undefined || !checks.isSame(sorted(index), sorted(now))) return { Delete: { IndexName } };
    if (!checks.isThroughputSame(index, now)) {
      const { ProvisionedThroughput, OnDemandThroughput } = index;
      return { Update: given({ IndexName, ProvisionedThroughput, OnDemandThroughput }) };
    }
  }
  const missing = wanted.find(({ IndexName }) => !there.some((now) => now.IndexName === IndexName));
  return missing === undefined ? null : { Create: missing };
}

/** With the attributes of a projection in one order: services keep another one. */
function sorted(index: Index): Index {
  const projection = index.Projection as TemplateMap | undefined;
  const names = projection?.["NonKeyAttributes"];
  if (!isTemplateMap(projection) || !isTemplateList(names)) return index;
  return { ...index, Projection: { ...projection, NonKeyAttributes: names.map(String).toSorted() } };
}
