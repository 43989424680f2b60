/** Operations about log streams: make, list and delete them. */
import type { OperationTypes } from "@thaw/aws-api/logs";
import { logGroupArn } from "../../model/log-group.ts";
import { ServiceError } from "../../model/service-error.ts";
import type { LogStreamRecord } from "../../ports/log-groups.ts";
import type { ServiceOperations } from "../aws-service.ts";
import { alreadyThere, groupOf, invalidParameter, type LogsContext, missing } from "./context.ts";
import { eventIdOf, listTokenOf, readListToken } from "./tokens.ts";

type In<K extends keyof OperationTypes> = OperationTypes[K]["input"];
type Out<K extends keyof OperationTypes> = OperationTypes[K]["output"];
type StreamOperation = "CreateLogStream" | "DeleteLogStream" | "DescribeLogStreams";

const LIMIT_DEFAULT = 50;

export function streamOperations(context: LogsContext): Pick<ServiceOperations<OperationTypes>, StreamOperation> {
  const { scope, logs } = context;
  return {
    async CreateLogStream({ logGroupName: group, logStreamName: name }) {
      const made = await logs.createStream(logGroupArn(scope, group), name);
      if (made === "no group") throw missing(made);
      if (made === "exists") throw alreadyThere("log stream");
      if (made === "too many") throw new ServiceError("LimitExceededException", "Resource limit exceeded.");
      return {};
    },
    async DeleteLogStream({ logGroupName: group, logStreamName: name }) {
      const removed = await logs.removeStream(logGroupArn(scope, group), name);
      if (removed !== "removed") throw missing(removed);
      return {};
    },
    DescribeLogStreams: (input) => describeStreams(context, input),
  };
}

async function describeStreams(
  context: LogsContext,
  input: In<"DescribeLogStreams">,
): Promise<Out<"DescribeLogStreams">> {
  const groupArn = groupOf(context, input);
  const { logStreamNamePrefix: prefix, orderBy = "LogStreamName", descending = false } = input;
  if (orderBy === "LastEventTime" && prefix !== undefined)
    throw invalidParameter("Cannot order by LastEventTime with a logStreamNamePrefix.");
  const asked = ["streams", groupArn, prefix, orderBy, descending];
  const place = readListToken(asked, input.nextToken);
  const limit = input.limit ?? LIMIT_DEFAULT;
  const streams = await context.logs.listStreams({
    groupArn,
    prefix: prefix ?? "",
    orderBy: orderBy === "LogStreamName" ? "name" : "lastEvent",
    isDescending: descending,
    after: place === null ? null : { name: String(place[0]), lastEventMs: Number(place[1]) },
    countMax: limit + 1,
  });
  if (streams === "no group") throw missing(streams);
  const shown = streams.slice(0, limit);
  const last = shown.at(-1);
  return {
    logStreams: shown.map((stream) => present(groupArn, stream)),
    ...(streams.length > limit && last !== undefined
      ? { nextToken: listTokenOf(asked, [last.name, last.lastEventMs ?? 0]) }
      : {}),
  };
}

/** AWS's `storedBytes` of streams are 0 since 2019. */
function present(
  groupArn: string,
  stream: LogStreamRecord,
): NonNullable<Out<"DescribeLogStreams">["logStreams"]>[number] {
  const { name, createdMs, firstEventMs, lastEventMs, lastIngestionMs } = stream;
  return {
    logStreamName: name,
    creationTime: createdMs,
    ...(firstEventMs === null ? {} : { firstEventTimestamp: firstEventMs }),
    ...(lastEventMs === null ? {} : { lastEventTimestamp: lastEventMs }),
    ...(lastIngestionMs === null ? {} : { lastIngestionTime: lastIngestionMs }),
    uploadSequenceToken: eventIdOf({ timestampMs: lastIngestionMs ?? createdMs, id: 0 }),
    arn: `${groupArn}:log-stream:${name}`,
    storedBytes: 0,
  };
}
