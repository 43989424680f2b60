/**
 * Subscriptions of the Telemetry API and of the older Logs API: what a body may say (environment-behaviour, section
 * 3.1). Pure.
 */
import { isMap } from "@thaw/installation/json-map";

export const TELEMETRY_TYPES = ["platform", "function", "extension"] as const;
export type TelemetryType = (typeof TELEMETRY_TYPES)[number];

export type TelemetryApi = "telemetry" | "logs";

export type Destination =
  | { readonly protocol: "HTTP"; readonly port: number; readonly path: string; readonly method: "POST" | "PUT" }
  | { readonly protocol: "TCP"; readonly port: number };

export interface Buffering {
  readonly maxItems: number;
  readonly maxBytes: number;
  readonly timeoutMs: number;
}

export interface Subscription {
  readonly api: TelemetryApi;
  readonly schemaVersion: string;
  readonly types: readonly TelemetryType[];
  readonly destination: Destination;
  readonly buffering: Buffering;
}

const SCHEMAS: Readonly<Record<TelemetryApi, readonly string[]>> = {
  telemetry: ["2022-07-01", "2022-12-13", "2025-01-29"],
  logs: ["2020-08-15", "2021-03-18"],
};

/** AWS's limits and defaults: least, most, default. */
const BUFFERING: Readonly<Record<keyof Buffering, readonly [number, number, number]>> = {
  maxItems: [1000, 10_000, 10_000],
  maxBytes: [262_144, 1_048_576, 262_144],
  timeoutMs: [25, 30_000, 1000],
};

const HOSTS: ReadonlySet<string> = new Set(["sandbox.localdomain", "sandbox"]);
const URI_LENGTH_MAX = 1024;
/** The Runtime API has this port. */
const RUNTIME_API_PORT = 9001;

/** Reads a body. What is wrong with it, in AWS's form: all causes, joined. */
export function readSubscription(api: TelemetryApi, body: Buffer): Subscription | string {
  let document: unknown;
  try {
    document = JSON.parse(body.toString("utf8"));
  } catch {
    return "the request body is not valid JSON";
  }
  return checkSubscription(api, document);
}

/** Checks a body that has been parsed. */
export function checkSubscription(api: TelemetryApi, document: unknown): Subscription | string {
  if (!isMap(document)) return "the request body is not a JSON object";
  const problems: string[] = [];
  const destination = readDestination(api, document["destination"], problems);
  const types = readTypes(document["types"], problems);
  const buffering = readBuffering(document["buffering"], problems);
  const schemaVersion = readSchema(api, document["schemaVersion"], problems);
  if (problems.length > 0 || destination === null) return problems.join("; ");
  return { api, schemaVersion, types, destination, buffering };
}

/** Writes a subscription as the body that asks for it. */
export function toDocument({ schemaVersion, types, destination, buffering }: Subscription): Record<string, unknown> {
  const { protocol, port } = destination;
  if (destination.protocol === "TCP") return { schemaVersion, types, destination: { protocol, port }, buffering };
  const { path, method } = destination;
  const URI = `http://sandbox.localdomain:${port}${path}`;
  return { schemaVersion, types, destination: { protocol, URI, method }, buffering };
}

function readSchema(api: TelemetryApi, value: unknown, problems: string[]): string {
  const known = SCHEMAS[api];
  // The Logs API came without versions.
  if (value === undefined && api === "logs") return known[0] ?? "";
  if (typeof value === "string" && known.includes(value)) return value;
  problems.push(
    value === undefined ? "schemaVersion is not provided" : `schemaVersion should be one of ${known.join(", ")}`,
  );
  return "";
}

function readTypes(value: unknown, problems: string[]): readonly TelemetryType[] {
  if (!Array.isArray(value) || value.length === 0) {
    problems.push("types should not be empty");
    return [];
  }
  const unknown = value.filter((type) => !(TELEMETRY_TYPES as readonly unknown[]).includes(type));
  if (unknown.length > 0) problems.push(`types should be of ${TELEMETRY_TYPES.join(", ")}`);
  return TELEMETRY_TYPES.filter((type) => value.includes(type));
}

function readBuffering(value: unknown, problems: string[]): Buffering {
  const given = value === undefined ? {} : value;
  if (!isMap(given)) problems.push("buffering should be an object");
  const read = (name: keyof Buffering): number => {
    const [least, most, otherwise] = BUFFERING[name];
    const number = isMap(given) ? given[name] : undefined;
    if (number === undefined) return otherwise;
    if (Number.isInteger(number) && (number as number) >= least && (number as number) <= most) return number as number;
    problems.push(`buffering.${name} should be between ${least} and ${most}`);
    return otherwise;
  };
  return { maxItems: read("maxItems"), maxBytes: read("maxBytes"), timeoutMs: read("timeoutMs") };
}

function readDestination(api: TelemetryApi, value: unknown, problems: string[]): Destination | null {
  if (!isMap(value)) {
    problems.push("destination is not provided");
    return null;
  }
  switch (value["protocol"]) {
    case "HTTP":
      return readHttp(api, value, problems);
    case "TCP": {
      const port = value["port"];
      if (isPort(port)) return { protocol: "TCP", port };
      problems.push(port === undefined ? "port is not provided" : "port should be between 1 and 65535, and not 9001");
      return null;
    }
    default:
      problems.push("protocol should be HTTP or TCP");
      return null;
  }
}

function readHttp(
  api: TelemetryApi,
  { URI, method, encoding }: Readonly<Record<string, unknown>>,
  problems: string[],
): Destination | null {
  const url = typeof URI === "string" && URI.length <= URI_LENGTH_MAX ? URL.parse(URI) : null;
  const port = url === null ? 0 : portOf(url, String(URI));
  const count = problems.length;
  if (URI === undefined) problems.push("URI is not provided");
  else if (url === null) problems.push("URI is not valid");
  else {
    if (url.protocol !== "http:") problems.push("URI scheme should be http");
    if (!HOSTS.has(url.hostname)) problems.push("URI host should be sandbox.localdomain or sandbox");
    if (port === 0) problems.push("URI port is not provided");
    else if (!isPort(port)) problems.push("URI port should be between 1 and 65535, and not 9001");
  }
  // Members of the Logs API only.
  if (api === "logs" && method !== undefined && method !== "POST" && method !== "PUT")
    problems.push("method should be POST or PUT");
  if (api === "logs" && encoding !== undefined && encoding !== "JSON") problems.push("encoding should be JSON");
  if (url === null || problems.length > count) return null;
  const verb = api === "logs" && method === "PUT" ? "PUT" : "POST";
  return { protocol: "HTTP", port, path: `${url.pathname}${url.search}`, method: verb };
}

/** Returns the port that a URI names; 0 where it names none. A URL says nothing of one that is its scheme's own. */
function portOf(url: URL, text: string): number {
  if (url.port !== "") return Number(url.port);
  return /^[a-z]+:\/\/[^/?#]*:80(?:[/?#]|$)/i.test(text) ? 80 : 0;
}

function isPort(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) > 0 && (value as number) < 65_536 && value !== RUNTIME_API_PORT;
}
