/** CloudWatch Logs, as far as there are groups, streams and events: those of functions and those of clients. */
import { LOGS, type OperationTypes } from "@thaw/aws-api/logs";
import { PROGRAM } from "@thaw/installation";
import type { ServiceOperations } from "../aws-service.ts";
import type { LogsContext } from "./context.ts";
import { eventOperations } from "./events.ts";
import { groupOperations } from "./groups.ts";
import { putOperations } from "./put-events.ts";
import { streamOperations } from "./streams.ts";

export { LOGS };

export function logsOperations(context: LogsContext): ServiceOperations<OperationTypes> {
  return {
    ...groupOperations(context),
    ...streamOperations(context),
    ...eventOperations(context),
    ...putOperations(context),
  };
}

const FOLLOW = `Follow logs with FilterLogEvents ('aws logs tail --follow') or '${PROGRAM} logs FUNCTION --follow'.`;
const SEARCH = "Search logs with FilterLogEvents.";
const INSTEAD: Readonly<Record<string, string>> = {
  StartLiveTail: FOLLOW,
  StartQuery: SEARCH,
  GetQueryResults: SEARCH,
  TestMetricFilter: SEARCH,
  ListLogGroups: "List log groups with DescribeLogGroups.",
  PutSubscriptionFilter: "Send logs on with an extension that subscribes to the Telemetry API.",
};

export function insteadOfLogs(operation: string): string {
  return Object.hasOwn(INSTEAD, operation) ? (INSTEAD[operation] ?? "") : "";
}
