/**
 * Services that Thaw passes through, by AWS's own clients: each is loaded when it is first used, which takes 150 ms and
 * 25 MB for the first one.
 */
import { defaultProvider } from "@aws-sdk/credential-provider-node";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import type { PassedService, PassedServices } from "../ports/passed-services.ts";
import { CallError, type CallInput, type CallOutput } from "../ports/service-calls.ts";

export interface PassedServicesOptions {
  /** The endpoint that the operator named for a service; nothing is asked of a service without one. */
  readonly endpoints: ReadonlyMap<string, string>;
  /** Credentials; null: variables, profiles and roles, as for any AWS client. */
  readonly credentials: Credentials | null;
}

interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

interface ClientConfig {
  readonly region: string;
  readonly endpoint: string;
  readonly maxAttempts: number;
  readonly requestHandler: NodeHttpHandler;
  readonly credentials: () => Promise<Credentials>;
}

interface Client {
  send(command: object): Promise<unknown>;
  destroy(): void;
}

/** A client's module, as far as its commands are found in it by the names of their operations. */
interface Commands {
  readonly commandOf: (operation: string, input: CallInput) => object | null;
  readonly connect: (config: ClientConfig) => Client;
}

const CONNECT_TIMEOUT_MS = 5000;
const REQUEST_TIMEOUT_MS = 30_000;
/** The client itself tries again what was throttled, or met a service that begins or ends. */
const ATTEMPTS_MAX = 3;
/** Services of a developer's machine ask for a signature, and don't look at it. */
const ANY_CREDENTIALS: Credentials = { accessKeyId: "thaw", secretAccessKey: "thaw" };

const LOADERS: Readonly<Record<PassedService, () => Promise<Commands>>> = {
  async sqs() {
    const module = await import("@aws-sdk/client-sqs");
    // The endpoint is what the operator named, and not the queue's address.
    return commandsOf(module, (config) => new module.SQSClient({ ...config, useQueueUrlAsEndpoint: false }) as Client);
  },
  async sns() {
    const module = await import("@aws-sdk/client-sns");
    return commandsOf(module, (config) => new module.SNSClient(config) as Client);
  },
  async dynamodb() {
    const module = await import("@aws-sdk/client-dynamodb");
    // Without accounts' own endpoints, which only AWS has.
    const connect = (config: ClientConfig): Client =>
      new module.DynamoDBClient({ ...config, accountIdEndpointMode: "disabled" }) as Client;
    return commandsOf(module, connect);
  },
  async kinesis() {
    const module = await import("@aws-sdk/client-kinesis");
    return commandsOf(module, (config) => new module.KinesisClient(config) as Client);
  },
  async secretsmanager() {
    const module = await import("@aws-sdk/client-secrets-manager");
    return commandsOf(module, (config) => new module.SecretsManagerClient(config) as Client);
  },
};

export class AwsPassedServices implements PassedServices {
  readonly #options: PassedServicesOptions;
  readonly #commands = new Map<PassedService, Promise<Commands>>();
  /** By service and Region, of which an installation has few. */
  readonly #clients = new Map<string, Client>();
  readonly #search = defaultProvider({ timeout: 1000, maxRetries: 0 });

  constructor(options: PassedServicesOptions) {
    this.#options = options;
  }

  hasEndpoint(service: PassedService): boolean {
    return this.#options.endpoints.has(service);
  }

  async call(region: string, service: PassedService, operation: string, input: CallInput): Promise<CallOutput> {
    const endpoint = this.#options.endpoints.get(service);
    if (endpoint === undefined) throw new Error(`no endpoint is named for ${service}`);
    const commands = await this.#load(service);
    const command = commands.commandOf(operation, input);
    if (command === null) throw new Error(`${service} has no operation ${operation}`);
    try {
      return (await this.#client(service, region, endpoint, commands).send(command)) as CallOutput;
    } catch (error) {
      throw toCallError(service, endpoint, error);
    }
  }

  close(): void {
    for (const client of this.#clients.values()) client.destroy();
    this.#clients.clear();
  }

  #load(service: PassedService): Promise<Commands> {
    const known = this.#commands.get(service) ?? LOADERS[service]();
    this.#commands.set(service, known);
    return known;
  }

  #client(service: PassedService, region: string, endpoint: string, { connect }: Commands): Client {
    const key = `${service} ${region}`;
    const known = this.#clients.get(key);
    if (known !== undefined) return known;
    const made = connect({
      region,
      endpoint,
      maxAttempts: ATTEMPTS_MAX,
      // Over HTTP/2, which Kinesis's client chooses itself, local services don't answer.
      requestHandler: new NodeHttpHandler({
        connectionTimeout: CONNECT_TIMEOUT_MS,
        requestTimeout: REQUEST_TIMEOUT_MS,
        throwOnRequestTimeout: true,
      }),
      credentials: () => this.#credentials(),
    });
    this.#clients.set(key, made);
    return made;
  }

  async #credentials(): Promise<Credentials> {
    if (this.#options.credentials !== null) return this.#options.credentials;
    try {
      return await this.#search();
    } catch {
      return ANY_CREDENTIALS;
    }
  }
}

function commandsOf(module: object, connect: Commands["connect"]): Commands {
  return {
    connect,
    commandOf: (operation, input) => {
      const found: unknown = Object.entries(module).find(([name]) => name === `${operation}Command`)?.[1];
      if (typeof found !== "function") return null;
      // The module's exports of such a name are commands.
      return new (found as new (input: CallInput) => object)(input);
    },
  };
}

function toCallError(service: PassedService, endpoint: string, error: unknown): CallError {
  const { name, message, $metadata } = error as Error & { readonly $metadata?: { readonly httpStatusCode?: number } };
  if ($metadata?.httpStatusCode !== undefined) return new CallError(service, name, message === "" ? name : message);
  const why = message === "" ? ((error as { readonly code?: string }).code ?? name) : message;
  const sentence = `The endpoint of ${service}, ${endpoint}, does not answer: ${why}. Is it running? --aws-endpoint names it.`;
  return new CallError(service, "EndpointAway", sentence);
}
