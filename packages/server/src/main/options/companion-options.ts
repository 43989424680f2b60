/** The settings of the service that the launcher starts beside the server, for people who have none (design 0031). */
import { defaulted, optional } from "./declaration.ts";
import { type HostPorts, withPort } from "./host-ports.ts";
import { UsageError } from "./usage-error.ts";
import { type EndpointService, oneOf, wholeNumber } from "./value-types.ts";

export const COMPANION_OPTIONS = {
  companion: optional({
    name: "companion",
    flag: "moto",
    variable: "THAW_COMPANION",
    type: oneOf("moto"),
    defaultText: "none",
    unit: null,
    help: "a service with AWS's API that is started beside the server, for queues, topics, tables, streams and secrets without an --aws-endpoint: in memory, for development (thaw runtimes install moto)",
  }),
  companionPort: defaulted({
    name: "companion-port",
    flag: "N",
    variable: "THAW_COMPANION_PORT",
    type: wholeNumber(1024, 65_535),
    default: "5000",
    unit: null,
    help: "port of 127.0.0.1, and of host.thaw.internal in functions, at which the companion answers; snapshots keep it",
  }),
};

/** What the companion has, by the names of --aws-endpoint, with the variable that AWS's clients read. */
const SERVICES = {
  sqs: "AWS_ENDPOINT_URL_SQS",
  sns: "AWS_ENDPOINT_URL_SNS",
  dynamodb: "AWS_ENDPOINT_URL_DYNAMODB",
  dynamodbstreams: "AWS_ENDPOINT_URL_DYNAMODB_STREAMS",
  kinesis: "AWS_ENDPOINT_URL_KINESIS",
  secretsmanager: "AWS_ENDPOINT_URL_SECRETS_MANAGER",
} as const satisfies Partial<Record<EndpointService, string>>;

type CompanionService = keyof typeof SERVICES;

export interface Companion {
  readonly name: "moto";
  readonly port: number;
  /** Those that no --aws-endpoint names. */
  readonly services: readonly CompanionService[];
}

interface Given {
  readonly companion: "moto" | null;
  readonly companionPort: number;
  readonly awsEndpoints: ReadonlyMap<EndpointService, string>;
  readonly hostPorts: HostPorts;
}

interface Completed extends Pick<Given, "awsEndpoints" | "hostPorts"> {
  readonly companion: Companion | null;
}

/** Adds the companion's endpoints, and its port to those that functions reach. Throws a UsageError where it can't. */
export function withCompanion({ companion: name, companionPort: port, awsEndpoints, hostPorts }: Given): Completed {
  if (name === null) return { companion: null, awsEndpoints, hostPorts };
  const all = Object.keys(SERVICES) as CompanionService[];
  const services = all.filter((service) => !awsEndpoints.has(service));
  if (services.length === 0)
    throw new UsageError(`--companion ${name} has nothing to do: --aws-endpoint names a service for all that it has`);
  const address = `127.0.0.1:${port}`;
  const added = services.map((service) => [service, `http://${address}`] as const);
  return {
    companion: { name, port, services },
    awsEndpoints: new Map([...awsEndpoints, ...added]),
    hostPorts: withPort(`--companion ${name}`, hostPorts, address),
  };
}

/** Throws a UsageError in a server that has no launcher, where nobody could have started the companion. */
export function checkCompanion(companion: Companion | null, env: NodeJS.ProcessEnv): void {
  if (companion !== null && env["THAW_COMPANION_STARTED"] === undefined)
    throw new UsageError("--companion needs a thaw serve that root started: it is the launcher who starts the service");
}

/** Returns the variables by which AWS's clients in functions find the companion. */
export function companionVariables(companion: Companion | null): Readonly<Record<string, string>> {
  if (companion === null) return {};
  const url = `http://host.thaw.internal:${companion.port}`;
  return Object.fromEntries(companion.services.map((service) => [SERVICES[service], url]));
}
