/**
 * Queues in memory behind SQS's own protocol, for what is too much for moto: it takes time that grows with the square
 * of a queue's length, and loses messages that are sent while another is deleted.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { systemClock } from "@thaw/server/testing/base";
import type { EventSources, QueueMessage, QueueReader } from "@thaw/server/testing/event-sources";
import { FakeEventSources } from "@thaw/server/testing/fakes";

interface Entry {
  readonly Id: string;
  readonly ReceiptHandle: string;
}

interface Input {
  readonly QueueUrl: string;
  readonly MaxNumberOfMessages?: number;
  readonly WaitTimeSeconds?: number;
  readonly Entries?: readonly Entry[];
}

export class QueueService {
  readonly made = new FakeEventSources(systemClock);
  readonly #sources: EventSources = this.made.connect();
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      void this.#answer(request, response).catch((error: Error) => fail(response, error));
    });
  }

  static async start(): Promise<QueueService> {
    const service = new QueueService();
    service.#server.listen(0, "127.0.0.1");
    await once(service.#server, "listening");
    return service;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // A client that has gone gets nothing: what it waited for is another's.
    const gone = new AbortController();
    response.on("close", () => gone.abort());
    const input = JSON.parse(Buffer.concat(await request.toArray()).toString()) as Input;
    const [accountId = "", name = ""] = new URL(input.QueueUrl).pathname.slice(1).split("/");
    const queue = await this.#sources.queue({ region: "us-east-1", accountId, name });
    const operation = String(request.headers["x-amz-target"]).split(".")[1] ?? "";
    const output = await carryOut(operation, queue, input, gone.signal);
    response.setHeader("content-type", "application/x-amz-json-1.0");
    response.end(JSON.stringify(output));
  }
}

async function carryOut(operation: string, queue: QueueReader, input: Input, signal: AbortSignal): Promise<unknown> {
  const received = (input.Entries ?? []).map(({ Id, ReceiptHandle }) => ({
    messageId: Id,
    receiptHandle: ReceiptHandle,
  }));
  const Successful = (input.Entries ?? []).map(({ Id }) => ({ Id }));
  switch (operation) {
    case "GetQueueAttributes":
      return { Attributes: { VisibilityTimeout: String((await queue.visibilityTimeoutMs(signal)) / 1000) } };
    case "ReceiveMessage": {
      const messages = await queue.receive(input.MaxNumberOfMessages ?? 1, input.WaitTimeSeconds ?? 0, signal);
      return { Messages: messages.map(toWire) };
    }
    case "DeleteMessageBatch":
      await queue.remove(received, signal);
      return { Successful, Failed: [] };
    case "ChangeMessageVisibilityBatch":
      await queue.release(received, signal);
      return { Successful, Failed: [] };
    default:
      throw new Error(`no operation ${operation}`);
  }
}

function toWire(message: QueueMessage): unknown {
  const attributes = Object.entries(message.messageAttributes).map(([name, { dataType, stringValue, binaryValue }]) => [
    name,
    { DataType: dataType, StringValue: stringValue ?? undefined, BinaryValue: binaryValue ?? undefined },
  ]);
  return {
    MessageId: message.messageId,
    ReceiptHandle: message.receiptHandle,
    Body: message.body,
    MD5OfBody: message.md5OfBody,
    MD5OfMessageAttributes: message.md5OfMessageAttributes ?? undefined,
    Attributes: message.attributes,
    MessageAttributes: Object.fromEntries(attributes),
  };
}

function fail(response: ServerResponse, error: Error): void {
  const isMissing = error.message.includes("QueueDoesNotExist");
  response.statusCode = isMissing ? 400 : 500;
  const name = isMissing ? "com.amazonaws.sqs#QueueDoesNotExist" : "InternalError";
  response.end(JSON.stringify({ __type: name, message: error.message }));
}
