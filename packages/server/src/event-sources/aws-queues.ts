/** Queues by AWS's client. https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/Welcome.html */
import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  type Message,
  ReceiveMessageCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import { EventSourceError, type QueueMessage, type QueueReader, type ReceivedMessage } from "../ports/event-sources.ts";
import { inOurTerms } from "./aws-clients.ts";

/** Entries of one request that changes messages. */
const ENTRIES_MAX = 10;
/** Time limit of requests that do not wait for messages. */
const SHORT_MS = 10_000;
/** A message of a batch that has a few hundred names more than AWS allows is not worth its memory. */
const ATTRIBUTES_MAX = 100;

export class AwsQueueReader implements QueueReader {
  readonly #client: SQSClient;
  readonly #url: string;

  constructor(client: SQSClient, url: string) {
    this.#client = client;
    this.#url = url;
  }

  async visibilityTimeoutMs(signal: AbortSignal): Promise<number> {
    const command = new GetQueueAttributesCommand({ QueueUrl: this.#url, AttributeNames: ["VisibilityTimeout"] });
    const abortSignal = AbortSignal.any([signal, AbortSignal.timeout(SHORT_MS)]);
    const { Attributes } = await inOurTerms(this.#client.send(command, { abortSignal }));
    const seconds = Number(Attributes?.VisibilityTimeout);
    if (!(seconds >= 0)) throw new EventSourceError("away", "The queue does not say its VisibilityTimeout.");
    return seconds * 1000;
  }

  async receive(countMax: number, waitS: number, abortSignal: AbortSignal): Promise<readonly QueueMessage[]> {
    const command = new ReceiveMessageCommand({
      QueueUrl: this.#url,
      MaxNumberOfMessages: countMax,
      WaitTimeSeconds: waitS,
      MessageAttributeNames: ["All"],
      MessageSystemAttributeNames: ["All"],
    });
    const { Messages = [] } = await inOurTerms(this.#client.send(command, { abortSignal }));
    return Messages.slice(0, countMax).flatMap((message) => toMessage(message) ?? []);
  }

  async remove(messages: readonly ReceivedMessage[], signal: AbortSignal): Promise<readonly ReceivedMessage[]> {
    const left = await this.#inParts(messages, signal, (Entries, options) =>
      this.#client.send(new DeleteMessageBatchCommand({ QueueUrl: this.#url, Entries }), options),
    );
    return left;
  }

  async release(messages: readonly ReceivedMessage[], signal: AbortSignal): Promise<void> {
    await this.#inParts(messages, signal, (entries, options) => {
      const Entries = entries.map((entry) => ({ ...entry, VisibilityTimeout: 0 }));
      return this.#client.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl: this.#url, Entries }), options);
    });
  }

  /** Returns the messages whose entries failed. */
  async #inParts(
    messages: readonly ReceivedMessage[],
    signal: AbortSignal,
    send: (
      entries: { readonly Id: string; readonly ReceiptHandle: string }[],
      options: { readonly abortSignal: AbortSignal },
    ) => Promise<{ readonly Failed?: ReadonlyArray<{ readonly Id?: string | undefined }> | undefined }>,
  ): Promise<readonly ReceivedMessage[]> {
    const failed: ReceivedMessage[] = [];
    for (let from = 0; from < messages.length; from += ENTRIES_MAX) {
      const part = messages.slice(from, from + ENTRIES_MAX);
      const entries = part.map(({ receiptHandle }, index) => ({ Id: String(index), ReceiptHandle: receiptHandle }));
      const abortSignal = AbortSignal.any([signal, AbortSignal.timeout(SHORT_MS)]);
      const { Failed = [] } = await inOurTerms(send(entries, { abortSignal }));
      for (const { Id } of Failed) {
        const message = part[Number(Id)];
        if (message !== undefined) failed.push(message);
      }
    }
    return failed;
  }
}

/** Null where it lacks what every message has: nothing could be done with it. */
function toMessage(message: Message): QueueMessage | null {
  const { MessageId, ReceiptHandle, Body, MD5OfBody, MD5OfMessageAttributes, Attributes, MessageAttributes } = message;
  if (MessageId === undefined || ReceiptHandle === undefined || Body === undefined) return null;
  const attributes = Object.entries(MessageAttributes ?? {}).slice(0, ATTRIBUTES_MAX);
  return {
    messageId: MessageId,
    receiptHandle: ReceiptHandle,
    body: Body,
    md5OfBody: MD5OfBody ?? "",
    attributes: (Attributes ?? {}) as Readonly<Record<string, string>>,
    messageAttributes: Object.fromEntries(
      attributes.map(([name, { DataType, StringValue, BinaryValue }]) => [
        name,
        {
          dataType: DataType ?? "String",
          stringValue: StringValue ?? null,
          binaryValue: BinaryValue === undefined ? null : Buffer.from(BinaryValue).toString("base64"),
        },
      ]),
    ),
    md5OfMessageAttributes: MD5OfMessageAttributes ?? null,
  };
}
