/** What all queues do the same for a poller: in memory, those over HTTP, and moto's SQS by AWS's client. */
import { CreateQueueCommand, DeleteQueueCommand, SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { FakeEventSources } from "@thaw/server/testing/fakes";
import { systemClock } from "@thaw/server/testing/base";
import {
  AwsEventSources,
  EventSourceError,
  type EventSources,
  type QueueMessage,
  type QueueReader,
} from "@thaw/server/testing/event-sources";
import { afterAll, beforeAll, describe, it } from "vitest";
import { MotoServer } from "../support/moto-server.ts";
import { QueueService } from "../support/queue-service.ts";

const REF = { region: "us-east-1", accountId: "123456789012" };
const SIGNAL = new AbortController().signal;
const ATTRIBUTES = {
  text: { dataType: "String", stringValue: "v", binaryValue: null },
  bytes: { dataType: "Binary", stringValue: null, binaryValue: "AAE=" },
};

interface QueueSettings {
  readonly visibilityS?: number;
  readonly letters?: string;
}

/** A service with queues. */
interface Service {
  readonly sources: EventSources;
  create(name: string, settings?: QueueSettings): Promise<void>;
  remove(name: string): Promise<void>;
  /** `withAttributes`: those of ATTRIBUTES. */
  send(name: string, body: string, group?: string, withAttributes?: boolean): Promise<string>;
  stop(): Promise<void>;
}

function inMemory(made = new FakeEventSources(systemClock)): Service {
  const queues = new Map<string, ReturnType<FakeEventSources["createQueue"]>>();
  return {
    sources: made.connect(),
    create: async (name, { visibilityS = 30, letters } = {}) => {
      const to = letters === undefined ? undefined : queues.get(letters);
      queues.set(
        name,
        made.createQueue(name, { visibilityS, ...(to === undefined ? {} : { redrive: { to, max: 1 } }) }),
      );
    },
    remove: async (name) => made.deleteQueue(name),
    send: async (name, body, group, withAttributes = false) =>
      queues.get(name)?.send(body, {
        ...(group === undefined ? {} : { group }),
        ...(withAttributes ? { attributes: ATTRIBUTES } : {}),
      }) ?? "",
    stop: async () => undefined,
  };
}

async function overHttp(): Promise<Service> {
  const service = await QueueService.start();
  const endpoints = new Map([["sqs", service.endpoint]]);
  const sources = new AwsEventSources({ endpoints, credentials: { accessKeyId: "k", secretAccessKey: "s" } });
  return {
    ...inMemory(service.made),
    sources,
    stop: async () => {
      sources.close();
      await service.stop();
    },
  };
}

async function onMoto(): Promise<Service> {
  const moto = await MotoServer.start();
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  const sqs = new SQSClient({ endpoint: moto.endpoint, region: REF.region, credentials });
  const urlOf = (name: string): string => `${moto.endpoint}/${REF.accountId}/${name}`;
  const sources = new AwsEventSources({ endpoints: new Map([["sqs", moto.endpoint]]), credentials });
  return {
    sources,
    create: async (QueueName, { visibilityS = 30, letters } = {}) => {
      const isFifo = QueueName.endsWith(".fifo");
      const redrive = { deadLetterTargetArn: `arn:aws:sqs:us-east-1:${REF.accountId}:${letters}`, maxReceiveCount: 1 };
      const Attributes = {
        VisibilityTimeout: String(visibilityS),
        ...(isFifo ? { FifoQueue: "true", ContentBasedDeduplication: "true" } : {}),
        ...(letters === undefined ? {} : { RedrivePolicy: JSON.stringify(redrive) }),
      };
      await sqs.send(new CreateQueueCommand({ QueueName, Attributes }));
    },
    remove: async (name) => void (await sqs.send(new DeleteQueueCommand({ QueueUrl: urlOf(name) }))),
    send: async (name, MessageBody, group, withAttributes = false) => {
      const MessageAttributes = {
        text: { DataType: "String", StringValue: "v" },
        bytes: { DataType: "Binary", BinaryValue: Buffer.from([0, 1]) },
      };
      const input = {
        QueueUrl: urlOf(name),
        MessageBody,
        ...(group === undefined ? {} : { MessageGroupId: group }),
        ...(withAttributes ? { MessageAttributes } : {}),
      };
      return (await sqs.send(new SendMessageCommand(input))).MessageId ?? "";
    },
    stop: async () => {
      sqs.destroy();
      sources.close();
      await moto.stop();
    },
  };
}

describe.each([
  ["in memory", async () => inMemory()],
  ["over HTTP", overHttp],
  ["at moto", onMoto],
] as const)("queues %s", (_, start) => {
  let service: Service;
  beforeAll(async () => {
    service = await start();
  });
  afterAll(() => service?.stop());

  const open = (name: string): Promise<QueueReader> => service.sources.queue({ ...REF, name });
  const bodies = (messages: readonly QueueMessage[]): string[] => messages.map(({ body }) => body);

  it("give a message whole, and keep it from others until it is removed or released", async ({ expect }) => {
    await service.create("q", { visibilityS: 60 });
    const queue = await open("q");
    expect(await queue.visibilityTimeoutMs(SIGNAL)).toBe(60_000);
    const messageId = await service.send("q", "hello", undefined, true);
    const [message] = await queue.receive(10, 1, SIGNAL);
    expect(message).toEqual({
      messageId,
      receiptHandle: expect.any(String),
      body: "hello",
      md5OfBody: "5d41402abc4b2a76b9719d911017c592",
      attributes: expect.objectContaining({
        ApproximateReceiveCount: "1",
        SentTimestamp: expect.stringMatching(/^\d{13}$/),
      }),
      messageAttributes: ATTRIBUTES,
      md5OfMessageAttributes: expect.any(String),
    });
    expect(await queue.receive(10, 0, SIGNAL)).toEqual([]);
    if (message === undefined) return;
    await queue.release([message], SIGNAL);
    const [again] = await queue.receive(10, 0, SIGNAL);
    expect(again?.attributes["ApproximateReceiveCount"]).toBe("2");
    expect(again).toBeDefined();
    if (again === undefined) return;
    expect(await queue.remove([again], SIGNAL)).toEqual([]);
    await queue.release([again], SIGNAL).catch(() => undefined);
    expect(await queue.receive(10, 0, SIGNAL)).toEqual([]);
  });

  it("give no more messages than were asked for, and take back more than ten", async ({ expect }) => {
    await service.create("many");
    const queue = await open("many");
    for (let index = 0; index < 14; index++) await service.send("many", String(index));
    const messages = [...(await queue.receive(3, 0, SIGNAL)), ...(await queue.receive(10, 0, SIGNAL))];
    messages.push(...(await queue.receive(10, 0, SIGNAL)));
    expect(bodies(messages).toSorted((a, b) => Number(a) - Number(b))).toEqual(
      Array.from({ length: 14 }, (__, index) => String(index)),
    );
    expect(await queue.remove(messages, SIGNAL)).toEqual([]);
    expect(await queue.receive(10, 0, SIGNAL)).toEqual([]);
  });

  it("of groups give them in order, and nothing of one that somebody has", async ({ expect }) => {
    await service.create("g.fifo");
    const queue = await open("g.fifo");
    for (const body of ["a1", "a2", "b1"]) await service.send("g.fifo", body, body[0]);
    const first = await queue.receive(1, 0, SIGNAL);
    expect(bodies(first)).toEqual(["a1"]);
    const second = await queue.receive(10, 0, SIGNAL);
    expect(bodies(second)).toEqual(["b1"]);
    await queue.remove(first, SIGNAL);
    expect(bodies(await queue.receive(10, 0, SIGNAL))).toEqual(["a2"]);
  });

  it("move what was received too often to their dead letter queue", async ({ expect }) => {
    await service.create("letters");
    await service.create("poisoned", { letters: "letters" });
    const queue = await open("poisoned");
    await service.send("poisoned", "poison");
    await queue.release(await queue.receive(10, 0, SIGNAL), SIGNAL);
    expect(await queue.receive(10, 0, SIGNAL)).toEqual([]);
    expect(bodies(await (await open("letters")).receive(10, 0, SIGNAL))).toEqual(["poison"]);
  });

  it("end a long poll with the signal, and give a message that comes while it waits", async ({ expect }) => {
    await service.create("quiet");
    const queue = await open("quiet");
    const controller = new AbortController();
    const waiting = queue.receive(10, 20, controller.signal);
    controller.abort();
    await expect(waiting).rejects.toBeInstanceOf(EventSourceError);
    await service.create("late");
    const coming = (await open("late")).receive(10, 20, SIGNAL);
    await service.send("late", "x");
    expect(bodies(await coming)).toEqual(["x"]);
  });

  it("that are gone say so", async ({ expect }) => {
    await service.create("gone");
    const queue = await open("gone");
    await service.remove("gone");
    for (const call of [
      () => queue.visibilityTimeoutMs(SIGNAL),
      () => queue.receive(1, 0, SIGNAL),
      async () => (await open("never")).receive(1, 0, SIGNAL),
    ])
      await expect(call()).rejects.toMatchObject({ name: "EventSourceError", problem: "missing" });
  });
});

it("a service that does not answer is away", async ({ expect }) => {
  const sources = new AwsEventSources({ endpoints: new Map([["sqs", "http://127.0.0.1:1"]]), credentials: null });
  const queue = await sources.queue({ ...REF, name: "q" });
  await expect(queue.receive(1, 0, SIGNAL)).rejects.toMatchObject({ problem: "away" });
  sources.close();
});
