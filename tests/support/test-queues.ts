/** Queues at moto, for the tests of event source mappings. */
import {
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { MotoServer } from "./moto-server.ts";

const ACCOUNT = "123456789012";
const AT_ONCE = 10;

export class TestQueues {
  readonly moto: MotoServer;
  readonly #sqs: SQSClient;

  private constructor(moto: MotoServer) {
    this.moto = moto;
    const credentials = { accessKeyId: "test", secretAccessKey: "test" };
    this.#sqs = new SQSClient({ endpoint: moto.endpoint, region: "us-east-1", credentials });
  }

  static async start(): Promise<TestQueues> {
    return new TestQueues(await MotoServer.start());
  }

  arn(name: string): string {
    return `arn:aws:sqs:us-east-1:${ACCOUNT}:${name}`;
  }

  /** A queue with a dead letter queue `NAME-letters`, which gets what was received `receives` times. */
  async create(name: string, visibilityS: number, receives: number): Promise<string> {
    await this.#sqs.send(new CreateQueueCommand({ QueueName: `${name}-letters` }));
    const redrive = { deadLetterTargetArn: this.arn(`${name}-letters`), maxReceiveCount: receives };
    const Attributes = { VisibilityTimeout: String(visibilityS), RedrivePolicy: JSON.stringify(redrive) };
    await this.#sqs.send(new CreateQueueCommand({ QueueName: name, Attributes }));
    return this.arn(name);
  }

  async remove(name: string): Promise<void> {
    await this.#sqs.send(new DeleteQueueCommand({ QueueUrl: this.#url(name) }));
  }

  async send(name: string, bodies: readonly string[]): Promise<void> {
    for (let from = 0; from < bodies.length; from += AT_ONCE) {
      const Entries = bodies
        .slice(from, from + AT_ONCE)
        .map((body, index) => ({ Id: String(index), MessageBody: body }));
      await this.#sqs.send(new SendMessageBatchCommand({ QueueUrl: this.#url(name), Entries }));
    }
  }

  /** Number of messages, those that somebody has received and not deleted included. */
  async count(name: string): Promise<number> {
    const wish = { QueueUrl: this.#url(name), AttributeNames: ["All" as const] };
    const { Attributes } = await this.#sqs.send(new GetQueueAttributesCommand(wish));
    const { ApproximateNumberOfMessages: visible, ApproximateNumberOfMessagesNotVisible: hidden } = Attributes ?? {};
    return Number(visible) + Number(hidden);
  }

  /** Takes all messages out of a queue. */
  async drain(name: string): Promise<readonly string[]> {
    const bodies: string[] = [];
    for (;;) {
      const QueueUrl = this.#url(name);
      const wish = { QueueUrl, MaxNumberOfMessages: AT_ONCE, WaitTimeSeconds: 0 };
      const { Messages = [] } = await this.#sqs.send(new ReceiveMessageCommand(wish));
      if (Messages.length === 0) return bodies;
      bodies.push(...Messages.map(({ Body }) => Body ?? ""));
      const Entries = Messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
      await this.#sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
    }
  }

  async stop(): Promise<void> {
    this.#sqs.destroy();
    await this.moto.stop();
  }

  #url(name: string): string {
    return `${this.moto.endpoint}/${ACCOUNT}/${name}`;
  }
}
