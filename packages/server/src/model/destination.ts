/** Destinations of asynchronous invokes: which ARNs can be one, and what is sent there. */
import type { DeliveryRecord } from "./function-record.ts";

export const DESTINATION_SERVICES = ["sqs", "sns", "events", "s3"] as const;
export type DestinationService = (typeof DESTINATION_SERVICES)[number];

/** Something at another service that takes what Thaw sends. */
export type DestinationTarget =
  | { readonly service: "sqs"; readonly region: string; readonly accountId: string; readonly queue: string }
  | { readonly service: "sns"; readonly region: string; readonly topicArn: string }
  | { readonly service: "events"; readonly region: string; readonly busArn: string }
  | { readonly service: "s3"; readonly bucket: string };

export interface MessageAttribute {
  readonly type: "String" | "Number";
  readonly value: string;
}

/** What is sent; each service takes of it what it has a place for. */
export interface DestinationMessage {
  readonly body: string;
  readonly attributes: Readonly<Record<string, MessageAttribute>>;
  /** The header X-Amzn-Trace-Id, for the queue's AWSTraceHeader; null: none. */
  readonly traceId: string | null;
  /** What an event on a bus says around the body. */
  readonly event: { readonly source: string; readonly detailType: string; readonly resources: readonly string[] };
  /** Key of an object. */
  readonly key: string;
  /** Of a topic's message; absent: none. */
  readonly subject?: string;
}

/** AWS gives a dead letter the first KB of the error's message. */
const ERROR_MESSAGE_BYTES_MAX = 1024;
const REGIONAL =
  /^arn:aws[a-zA-Z-]*:(sqs|sns|events):([a-z]{2,4}(?:-[a-z]{2,10}){1,3}-\d):(\d{12}):([A-Za-z0-9_./-]{1,300})$/;
const BUCKET = /^arn:aws[a-zA-Z-]*:s3:::([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])$/;
const NAME = /^[A-Za-z0-9_-]{1,256}$/;

/** Null where the ARN names nothing that can be a destination: a FIFO queue or topic can't either, as on AWS. */
export function parseTarget(arn: string): DestinationTarget | null {
  const bucket = BUCKET.exec(arn)?.[1];
  if (bucket !== undefined) return { service: "s3", bucket };
  const [, service, region = "", accountId = "", resource = ""] = REGIONAL.exec(arn) ?? [];
  if (service === "events")
    return /^event-bus\/[A-Za-z0-9._/-]+$/.test(resource) ? { service, region, busArn: arn } : null;
  if (!NAME.test(resource)) return null;
  if (service === "sqs") return { service, region, accountId, queue: resource };
  return service === "sns" ? { service, region, topicArn: arn } : null;
}

/** Reads the service out of an ARN: `sqs`. Null where the text is none. */
export function serviceOf(arn: string): string | null {
  return /^arn:[^:]+:([^:]+):/.exec(arn)?.[1] ?? null;
}

/** Composes what a service is sent for a delivery, as AWS sends it. */
export function messageOf(delivery: DeliveryRecord): DestinationMessage {
  const { functionArn, functionName, requestId, destination, deadLetter, isSuccess, acceptedAtMs } = delivery;
  const attributes: Readonly<Record<string, MessageAttribute>> =
    deadLetter === null || delivery.attributes !== undefined
      ? asTexts(delivery.attributes ?? {})
      : {
          RequestID: { type: "String", value: requestId },
          ErrorCode: { type: "Number", value: String(deadLetter.errorCode) },
          ErrorMessage: { type: "String", value: deadLetter.errorMessage },
        };
  // YYYY/MM/DD/YYYY-MM-DDTHH.MM.SS
  const time = new Date(acceptedAtMs).toISOString().slice(0, 19).replaceAll(":", ".");
  return {
    ...(delivery.subject === undefined ? {} : { subject: delivery.subject }),
    body: delivery.body.toString("utf8"),
    attributes,
    traceId: delivery.traceId,
    event: {
      source: "lambda",
      detailType: `Lambda Function Invocation Result - ${isSuccess ? "Success" : "Failure"}`,
      resources: [destination, functionArn],
    },
    key:
      delivery.objectKey ??
      `aws/lambda/async/${functionName}/${time.slice(0, 10).replaceAll("-", "/")}/${time}-${requestId}`,
  };
}

function asTexts(values: Readonly<Record<string, string>>): Record<string, MessageAttribute> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { type: "String", value }]));
}

/** Cuts an error's message as a dead letter has it. An attribute can't be empty. */
export function deadLetterMessage(message: string): string {
  if (message === "") return "Unknown";
  const bytes = Buffer.from(message);
  if (bytes.length <= ERROR_MESSAGE_BYTES_MAX) return message;
  // A character that is cut through is left out.
  return new TextDecoder("utf-8").decode(bytes.subarray(0, ERROR_MESSAGE_BYTES_MAX), { stream: true });
}
