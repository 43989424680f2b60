/** Event sources by AWS's own clients, at the endpoints that the operator named. */
import { DynamoDBStreamsClient } from "@aws-sdk/client-dynamodb-streams";
import { KinesisClient } from "@aws-sdk/client-kinesis";
import { SQSClient } from "@aws-sdk/client-sqs";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import type { SourceService } from "../model/event-source-record.ts";
import type { EventSources, QueueReader, QueueRef, StreamReader, StreamRef } from "../ports/event-sources.ts";
import { type AwsSourcesOptions, ClientConfigs, endpointOf } from "./aws-clients.ts";
import { DynamoDbStream } from "./aws-dynamodb.ts";
import { KinesisStream } from "./aws-kinesis.ts";
import { AwsQueueReader } from "./aws-queues.ts";

export class AwsEventSources implements EventSources {
  readonly #options: AwsSourcesOptions;
  readonly #configs: ClientConfigs;
  readonly #sqs = new Map<string, SQSClient>();
  readonly #kinesis = new Map<string, KinesisClient>();
  readonly #dynamodb = new Map<string, DynamoDBStreamsClient>();

  constructor(options: AwsSourcesOptions) {
    this.#options = options;
    this.#configs = new ClientConfigs(options);
  }

  hasEndpoint(service: SourceService): boolean {
    return endpointOf(this.#options, service) !== undefined;
  }

  async queue({ region, accountId, name }: QueueRef): Promise<QueueReader> {
    const client = kept(this.#sqs, region, () => {
      const config = this.#configs.of("sqs", region);
      // The endpoint is what the operator named, and not the queue's address.
      return new SQSClient({ ...config, useQueueUrlAsEndpoint: false });
    });
    const base = this.#options.endpoints.get("sqs")?.replace(/\/$/, "");
    return new AwsQueueReader(client, `${base}/${accountId}/${name}`);
  }

  async stream({ service, region, arn }: StreamRef): Promise<StreamReader> {
    if (service === "kinesis") {
      const make = (): KinesisClient => {
        const config = this.#configs.of(service, region);
        // Over HTTP/2, which is the client's own choice, local services don't answer.
        return new KinesisClient({ ...config, requestHandler: new NodeHttpHandler(config.requestHandler) });
      };
      return new KinesisStream(kept(this.#kinesis, region, make), arn);
    }
    const make = (): DynamoDBStreamsClient => new DynamoDBStreamsClient(this.#configs.of(service, region));
    return new DynamoDbStream(kept(this.#dynamodb, region, make), arn);
  }

  close(): void {
    for (const clients of [this.#sqs, this.#kinesis, this.#dynamodb]) {
      for (const client of clients.values()) client.destroy();
      clients.clear();
    }
  }
}

/** One client for each Region; those of mappings are few. */
function kept<C>(clients: Map<string, C>, region: string, make: () => C): C {
  const known = clients.get(region);
  if (known !== undefined) return known;
  const made = make();
  clients.set(region, made);
  return made;
}
