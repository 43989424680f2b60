/** Operations about log groups: make, list and delete them, their retention and their tags. */
import type { OperationTypes } from "@thaw/aws-api/logs";
import { logGroupArn, logGroupName } from "../../model/log-group.ts";
import { ServiceError } from "../../model/service-error.ts";
import type { LogGroupRecord } from "../../ports/log-groups.ts";
import type { ServiceOperations } from "../aws-service.ts";
import {
  alreadyThere,
  groupOfIdentifier,
  invalidParameter,
  type LogsContext,
  missing,
  refuseMembers,
} from "./context.ts";
import { listTokenOf, readListToken } from "./tokens.ts";

type In<K extends keyof OperationTypes> = OperationTypes[K]["input"];
type Out<K extends keyof OperationTypes> = OperationTypes[K]["output"];
type GroupOperation =
  | "CreateLogGroup"
  | "DeleteLogGroup"
  | "DeleteRetentionPolicy"
  | "DescribeLogGroups"
  | "ListTagsForResource"
  | "ListTagsLogGroup"
  | "PutRetentionPolicy"
  | "TagLogGroup"
  | "TagResource"
  | "UntagLogGroup"
  | "UntagResource";

/** https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html */
const RETENTION_DAYS: readonly number[] = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];
const LIMIT_DEFAULT = 50;
const RESERVED = /^aws\//i;

export function groupOperations(context: LogsContext): Pick<ServiceOperations<OperationTypes>, GroupOperation> {
  const { scope, logs } = context;
  const arnOf = (name: string): string => logGroupArn(scope, name);
  const tagsOf = async (arn: string): Promise<{ readonly tags: Readonly<Record<string, string>> }> => {
    const group = await logs.findGroup(arn);
    if (group === null) throw missing("no group");
    return { tags: group.tags };
  };
  return {
    CreateLogGroup: (input) => createGroup(context, input),
    async DeleteLogGroup({ logGroupName: name }) {
      if ((await logs.removeGroup(arnOf(name))) === "no group") throw missing("no group");
      return {};
    },
    DescribeLogGroups: (input) => describeGroups(context, input),
    async PutRetentionPolicy({ logGroupName: name, retentionInDays: days }) {
      if (!RETENTION_DAYS.includes(days))
        throw invalidParameter(
          `1 validation error detected: Value '${days}' at 'retentionInDays' failed to satisfy constraint: ` +
            `Member must satisfy enum value set: [${RETENTION_DAYS.join(", ")}]`,
        );
      if ((await logs.setRetention(arnOf(name), days)) === "no group") throw missing("no group");
      return {};
    },
    async DeleteRetentionPolicy({ logGroupName: name }) {
      if ((await logs.setRetention(arnOf(name), null)) === "no group") throw missing("no group");
      return {};
    },
    ListTagsForResource: ({ resourceArn }) => tagsOf(taggedGroup(context, resourceArn)),
    ListTagsLogGroup: ({ logGroupName: name }) => tagsOf(arnOf(name)),
    TagResource: ({ resourceArn, tags }) => changeTags(context, taggedGroup(context, resourceArn), tags, []),
    TagLogGroup: ({ logGroupName: name, tags }) => changeTags(context, arnOf(name), tags, []),
    UntagResource: ({ resourceArn, tagKeys }) => changeTags(context, taggedGroup(context, resourceArn), {}, tagKeys),
    UntagLogGroup: ({ logGroupName: name, tags }) => changeTags(context, arnOf(name), {}, tags),
  };
}

async function createGroup({ scope, logs }: LogsContext, input: In<"CreateLogGroup">): Promise<Out<"CreateLogGroup">> {
  refuseMembers(input, ["kmsKeyId", "deletionProtectionEnabled"]);
  if ((input.logGroupClass ?? "STANDARD") !== "STANDARD")
    throw invalidParameter("Thaw has log groups of the class STANDARD only.");
  if (RESERVED.test(input.logGroupName)) throw invalidParameter("Log groups starting with AWS/ are reserved for AWS.");
  const made = await logs.createGroup(logGroupArn(scope, input.logGroupName), input.tags ?? {});
  if (made === "exists") throw alreadyThere("log group");
  if (made === "too many") throw new ServiceError("LimitExceededException", "Resource limit exceeded.");
  return {};
}

async function describeGroups(context: LogsContext, input: In<"DescribeLogGroups">): Promise<Out<"DescribeLogGroups">> {
  refuseMembers(input, ["accountIdentifiers", "includeLinkedAccounts"]);
  const { scope, logs } = context;
  const { logGroupNamePrefix: prefix, logGroupNamePattern: pattern, logGroupIdentifiers: identifiers } = input;
  if (prefix !== undefined && pattern !== undefined)
    throw invalidParameter("LogGroupNamePrefix and LogGroupNamePattern are mutually exclusive parameters.");
  if (identifiers !== undefined) {
    if (prefix !== undefined || pattern !== undefined || input.logGroupClass !== undefined)
      throw invalidParameter("logGroupIdentifiers can't be combined with other filters.");
    const arns = new Set(identifiers.map((identifier) => groupOfIdentifier(scope, identifier)));
    const found = await Promise.all([...arns].map((arn) => logs.findGroup(arn)));
    return { logGroups: found.filter((group) => group !== null).map(present) };
  }
  // There are no others.
  if ((input.logGroupClass ?? "STANDARD") !== "STANDARD") return { logGroups: [] };
  const asked = [scope, "groups", prefix, pattern];
  const [after = ""] = readListToken(asked, input.nextToken) ?? [];
  const limit = input.limit ?? LIMIT_DEFAULT;
  const query = { arnPrefix: logGroupArn(scope, prefix ?? ""), part: pattern ?? "", after: String(after) };
  const groups = await logs.listGroups({ ...query, countMax: limit + 1 });
  const shown = groups.slice(0, limit);
  return {
    logGroups: shown.map(pattern === undefined ? present : presentBriefly),
    ...(groups.length > limit ? { nextToken: listTokenOf(asked, [shown.at(-1)?.arn ?? ""]) } : {}),
  };
}

async function changeTags(
  { logs }: LogsContext,
  arn: string,
  added: Readonly<Record<string, string>>,
  removed: readonly string[],
): Promise<Record<string, never>> {
  const changed = await logs.changeTags(arn, added, removed);
  if (changed === "no group") throw missing("no group");
  if (changed === "too many") throw new ServiceError("TooManyTagsException", "A log group can have 50 tags at most.");
  return {};
}

function taggedGroup({ scope }: LogsContext, arn: string): string {
  if (!arn.startsWith("arn:")) throw invalidParameter(`'${arn}' is no ARN of a log group.`);
  return groupOfIdentifier(scope, arn);
}

function present(group: LogGroupRecord): NonNullable<Out<"DescribeLogGroups">["logGroups"]>[number] {
  return {
    ...presentBriefly(group),
    ...(group.retentionDays === null ? {} : { retentionInDays: group.retentionDays }),
    metricFilterCount: 0,
    storedBytes: group.storedBytes,
    logGroupClass: "STANDARD",
    logGroupArn: group.arn,
    deletionProtectionEnabled: false,
  };
}

/** What is shown of groups that were found by a pattern, as on AWS. */
function presentBriefly({
  arn,
  createdMs,
}: LogGroupRecord): NonNullable<Out<"DescribeLogGroups">["logGroups"]>[number] {
  return { logGroupName: logGroupName(arn), creationTime: createdMs, arn: `${arn}:*` };
}
