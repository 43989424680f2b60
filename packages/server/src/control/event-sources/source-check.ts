/**
 * Whether a mapping's source is there and can be read, asked when the mapping is made; in AWS's words where it has some
 * (environment-behaviour.md 8.1).
 */
import { type ApiError, invalidParameter } from "../../model/api-error.ts";
import { parseTarget } from "../../model/destination.ts";
import type { EventSourceConfig } from "../../model/event-source-record.ts";
import { EventSourceError, type QueueRef, type StreamRef } from "../../ports/event-sources.ts";
import type { ControlParts } from "../services.ts";
import { parseQueueArn } from "./queue-event.ts";
import { parseStreamArn } from "./stream-event.ts";

type Needs = Pick<ControlParts, "scope" | "eventSources" | "readsOtherAccounts" | "destinations">;

const NEVER = new AbortController().signal;

/** Throws an InvalidParameterValueException. Nothing is asked where no endpoint is named. */
export async function checkReadable(services: Needs, arn: string | undefined, timeoutS: number): Promise<void> {
  if (arn === undefined) return;
  const queue = parseQueueArn(arn);
  if (queue !== null) return checkQueue(services, arn, queue, timeoutS);
  const stream = parseStreamArn(arn);
  if (stream !== null) return checkStream(services, stream);
  if (["sqs", "kinesis", "dynamodb"].includes(arn.split(":")[2] ?? ""))
    throw invalidParameter("Unrecognized event source.");
}

/** Throws an InvalidParameterValueException where the batches that are given up could not be told of. */
export async function checkFailureDestination(
  { destinations }: Needs,
  { DestinationConfig: config }: Pick<EventSourceConfig, "DestinationConfig">,
): Promise<void> {
  const arn = config?.OnFailure?.Destination ?? "";
  if (arn === "") return;
  const target = parseTarget(arn);
  if (target === null || target.service === "events")
    throw invalidParameter(
      `The destination ARN ${arn} is invalid: name a standard queue, a standard topic or a bucket.`,
    );
  const problem = await destinations.problemOf(target);
  if (problem !== null) throw invalidParameter(`The destination ARN ${arn} is invalid. ${problem}`);
}

async function checkQueue(services: Needs, arn: string, queue: QueueRef, timeoutS: number): Promise<void> {
  checkAccount(services, queue.accountId, arn, "ReceiveMessage on SQS");
  const { eventSources } = services;
  if (!eventSources.hasEndpoint("sqs")) return;
  const reader = await eventSources.queue(queue);
  const visibilityMs = await reader.visibilityTimeoutMs(NEVER).catch((error: unknown) => {
    throw queueRefusal(error);
  });
  if (visibilityMs < timeoutS * 1000)
    throw invalidParameter(
      `Queue visibility timeout: ${visibilityMs / 1000} seconds is less than Function timeout: ${timeoutS} seconds`,
    );
}

async function checkStream(services: Needs, stream: StreamRef): Promise<void> {
  const { service, arn, accountId } = stream;
  checkAccount(services, accountId, arn, service === "kinesis" ? "GetRecords on Kinesis" : "GetRecords on DynamoDB");
  const { eventSources } = services;
  if (!eventSources.hasEndpoint(service)) return;
  const reader = await eventSources.stream(stream);
  await reader.shards(NEVER).catch((error: unknown) => {
    if (!(error instanceof EventSourceError)) throw error;
    if (error.problem === "missing") throw invalidParameter(`Stream not found: ${arn}`);
    throw invalidParameter(`The stream ${arn} can't be read: ${error.message}`);
  });
}

function checkAccount({ scope, readsOtherAccounts }: Needs, accountId: string, arn: string, what: string): void {
  if (readsOtherAccounts || accountId === scope.accountId) return;
  throw invalidParameter(
    `The provided execution role does not have permissions to call ${what}: ${arn} is another account's.`,
  );
}

function queueRefusal(error: unknown): unknown {
  if (!(error instanceof EventSourceError)) return error;
  return refused(
    error.problem === "missing"
      ? "AWS.SimpleQueueService.NonExistentQueue. SQS Error Message: The specified queue does not exist."
      : `${error.code ?? error.problem}. SQS Error Message: ${error.message}`,
  );
}

function refused(what: string): ApiError {
  return invalidParameter(`Error occurred while ReceiveMessage. SQS Error Code: ${what}`);
}
