/**
 * Queues, topics, event buses and buckets, by AWS's own clients: at AWS, or at services that speak its API. Their
 * endpoint is named by the operator, and what is sent is signed with the operator's credentials.
 */
import { EventBridgeClient, DescribeEventBusCommand, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { HeadBucketCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { GetTopicAttributesCommand, PublishCommand, SNSClient } from "@aws-sdk/client-sns";
import { GetQueueAttributesCommand, SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { defaultProvider } from "@aws-sdk/credential-provider-node";
import type { DestinationMessage, DestinationService, DestinationTarget } from "../model/destination.ts";
import { DestinationError, type Destinations } from "../ports/destinations.ts";

export interface AwsDestinationsOptions {
  /** The endpoint that the operator named for a service; a service without one is at AWS. */
  readonly endpoints: ReadonlyMap<string, string>;
  /** Credentials; null: variables, profiles and roles, as for any AWS client. */
  readonly credentials: Credentials | null;
  /** Region of buckets, whose ARNs have none. */
  readonly region: string;
}

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

interface ClientConfig {
  readonly region: string;
  readonly maxAttempts: number;
  readonly requestHandler: {
    readonly connectionTimeout: number;
    readonly requestTimeout: number;
    readonly throwOnRequestTimeout: boolean;
  };
  readonly credentials: () => Promise<Credentials>;
  readonly endpoint?: string;
}

type Target<S extends DestinationService> = Extract<DestinationTarget, { readonly service: S }>;
type Client = SQSClient | SNSClient | EventBridgeClient | S3Client;

const TIMEOUT_MS = 10_000;
const PROBE_TIMEOUT_MS = 5000;
/** Clients of services and regions that are kept; each has its own connections. */
const CLIENTS_MAX = 16;
/** Services of a developer's machine ask for a signature, and don't look at it. */
const ANY_CREDENTIALS: Credentials = { accessKeyId: "thaw", secretAccessKey: "thaw" };

/** https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html and its sisters. */
const SIZE_BYTES_MAX: Readonly<Record<DestinationService, number>> = {
  sqs: 1_048_576,
  sns: 262_144,
  events: 1_048_576,
  s3: Number.POSITIVE_INFINITY,
};

/** Errors of a message that will be refused however often it is sent. */
const FINAL_ERRORS: ReadonlySet<string> = new Set([
  "InvalidMessageContents",
  "InvalidParameter",
  "InvalidParameterValue",
  "InvalidParameterValueException",
  "MessageTooLong",
  "RequestEntityTooLarge",
  "UnsupportedOperation",
  "ValidationException",
]);

export class AwsDestinations implements Destinations {
  readonly #options: AwsDestinationsOptions;
  readonly #clients = new Map<string, Client>();
  readonly #search = defaultProvider({ timeout: 1000, maxRetries: 0 });

  constructor(options: AwsDestinationsOptions) {
    this.#options = options;
  }

  hasEndpoint(service: DestinationService): boolean {
    return this.#options.endpoints.has(service);
  }

  async problemOf(target: DestinationTarget): Promise<string | null> {
    const { service } = target;
    if (this.#options.endpoints.has(service)) return null;
    const signal = AbortSignal.timeout(PROBE_TIMEOUT_MS);
    try {
      await withinTime(this.#probe(target, signal), signal);
      return null;
    } catch (error) {
      return `It can't be reached from this host: ${textOf(error)} Name the endpoint of the service with --aws-endpoint ${service}=URL, or give the server credentials that reach AWS.`;
    }
  }

  async send(target: DestinationTarget, message: DestinationMessage): Promise<void> {
    const sizeBytes = Buffer.byteLength(message.body);
    const limit = SIZE_BYTES_MAX[target.service];
    if (sizeBytes > limit)
      throw new DestinationError(`It has ${sizeBytes} bytes, and ${target.service} takes ${limit}.`, true);
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    try {
      await withinTime(this.#send(target, message, signal), signal);
    } catch (error) {
      if (error instanceof DestinationError) throw error;
      throw new DestinationError(textOf(error), error instanceof Error && FINAL_ERRORS.has(error.name), error);
    }
  }

  close(): void {
    for (const client of this.#clients.values()) client.destroy();
    this.#clients.clear();
  }

  async #probe(target: DestinationTarget, abortSignal: AbortSignal): Promise<void> {
    const options = { abortSignal };
    switch (target.service) {
      case "sqs":
        await this.#sqs(target).send(new GetQueueAttributesCommand({ QueueUrl: this.#queueUrl(target) }), options);
        return;
      case "sns":
        await this.#sns(target).send(new GetTopicAttributesCommand({ TopicArn: target.topicArn }), options);
        return;
      case "events":
        await this.#events(target).send(new DescribeEventBusCommand({ Name: target.busArn }), options);
        return;
      case "s3":
        await this.#s3().send(new HeadBucketCommand({ Bucket: target.bucket }), options);
    }
  }

  async #send(target: DestinationTarget, message: DestinationMessage, abortSignal: AbortSignal): Promise<void> {
    const { body, attributes } = message;
    const options = { abortSignal };
    const MessageAttributes = Object.fromEntries(
      Object.entries(attributes).map(([name, { type, value }]) => [name, { DataType: type, StringValue: value }]),
    );
    switch (target.service) {
      case "sqs": {
        const input = { QueueUrl: this.#queueUrl(target), MessageBody: body, MessageAttributes };
        const trace =
          message.traceId === null
            ? {}
            : { AWSTraceHeader: { DataType: "String" as const, StringValue: message.traceId } };
        await this.#sqs(target).send(new SendMessageCommand({ ...input, MessageSystemAttributes: trace }), options);
        return;
      }
      case "sns":
        await this.#sns(target).send(
          new PublishCommand({
            TopicArn: target.topicArn,
            Message: body,
            MessageAttributes,
            ...(message.subject === undefined ? {} : { Subject: message.subject }),
          }),
          options,
        );
        return;
      case "events":
        return this.#putEvent(target, message, abortSignal);
      case "s3":
        await this.#s3().send(
          new PutObjectCommand({
            Bucket: target.bucket,
            Key: message.key,
            Body: body,
            ContentType: "application/json",
          }),
          options,
        );
    }
  }

  async #putEvent(
    target: Target<"events">,
    { body, event }: DestinationMessage,
    abortSignal: AbortSignal,
  ): Promise<void> {
    const entry = {
      EventBusName: target.busArn,
      Source: event.source,
      DetailType: event.detailType,
      Resources: [...event.resources],
      Detail: body,
    };
    const client = this.#events(target);
    const answer = await client.send(new PutEventsCommand({ Entries: [entry] }), { abortSignal });
    const refused = answer.Entries?.find(({ ErrorCode }) => ErrorCode !== undefined);
    if (refused === undefined) return;
    const text = `${refused.ErrorCode}: ${refused.ErrorMessage ?? ""}`;
    throw new DestinationError(text, FINAL_ERRORS.has(refused.ErrorCode ?? ""));
  }

  /** The queue's address. Most services take the queue out of its path, and not out of its host. */
  #queueUrl({ region, accountId, queue }: Target<"sqs">): string {
    const named = this.#options.endpoints.get("sqs");
    const base = named === undefined ? `https://sqs.${region}.amazonaws.com` : named.replace(/\/$/, "");
    return `${base}/${accountId}/${queue}`;
  }

  #sqs({ region }: Target<"sqs">): SQSClient {
    // The endpoint is what the operator named, and not the queue's address.
    return this.#client("sqs", region, (config) => new SQSClient({ ...config, useQueueUrlAsEndpoint: false }));
  }

  #sns({ region }: Target<"sns">): SNSClient {
    return this.#client("sns", region, (config) => new SNSClient(config));
  }

  #events({ region }: Target<"events">): EventBridgeClient {
    return this.#client("events", region, (config) => new EventBridgeClient(config));
  }

  #s3(): S3Client {
    const forcePathStyle = this.#options.endpoints.has("s3");
    return this.#client("s3", this.#options.region, (config) => new S3Client({ ...config, forcePathStyle }));
  }

  #client<C extends Client>(service: DestinationService, region: string, make: (config: ClientConfig) => C): C {
    const key = `${service} ${region}`;
    const kept = this.#clients.get(key);
    // The key names the service, and so the kind of client.
    if (kept !== undefined) return kept as C;
    const oldest = [...this.#clients.keys()][0];
    if (oldest !== undefined && this.#clients.size >= CLIENTS_MAX) {
      this.#clients.get(oldest)?.destroy();
      this.#clients.delete(oldest);
    }
    const client = make(this.#configOf(service, region));
    this.#clients.set(key, client);
    return client;
  }

  #configOf(service: DestinationService, region: string): ClientConfig {
    const endpoint = this.#options.endpoints.get(service);
    return {
      region,
      // The caller tries again, durably.
      maxAttempts: 1,
      requestHandler: { connectionTimeout: PROBE_TIMEOUT_MS, requestTimeout: TIMEOUT_MS, throwOnRequestTimeout: true },
      credentials: () => this.#credentials(endpoint !== undefined),
      ...(endpoint === undefined ? {} : { endpoint }),
    };
  }

  async #credentials(isNamedEndpoint: boolean): Promise<Credentials> {
    if (this.#options.credentials !== null) return this.#options.credentials;
    try {
      return await this.#search();
    } catch (error) {
      if (isNamedEndpoint) return ANY_CREDENTIALS;
      throw error;
    }
  }
}

/** The search for credentials knows no signal. */
async function withinTime(work: Promise<void>, signal: AbortSignal): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>();
  const end = (): void => reject(new Error("It did not answer in time."));
  signal.addEventListener("abort", end, { once: true });
  try {
    await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", end);
  }
}

function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const text = error.message === "" ? error.name : `${error.name}: ${error.message}`;
  return text.endsWith(".") ? text : `${text}.`;
}
