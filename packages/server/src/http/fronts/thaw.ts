/**
 * Thaw's own API under /_thaw/v1/, for the CLI:
 *
 *   GET    environments?function=&version=      POST environments/stop {function?, version?}
 *   GET    snapshots    snapshots/ID    snapshots/ID/verify
 *   GET    logs/FUNCTION?since=MS&follow=1   (JSON lines)
 *   GET    provisioned                          POST check {function, event, clones?}
 *   PUT    objects/BUCKET/KEY                   GET  code/NAME (zip)     GET host     GET metrics (Prometheus's text)
 *   GET    runtimes                             (the releases that are installed, and what needs them)
 *   GET    keys                                 POST keys/create|enable|disable|delete {arn}   (null: the installation's own)
 */
import { Readable } from "node:stream";
import type { WireRequest } from "@thaw/aws-api";
import type { ControlPlane } from "../../control/control-plane.ts";
import { findLatest } from "../../control/records/lookup.ts";
import { listReleases } from "../../control/snapshots/runtime-releases.ts";
import { ApiError, invalidParameter, notFound } from "../../model/api-error.ts";
import type { EnvironmentFilter } from "../../ports/worker.ts";
import type { Figures } from "../observability.ts";
import { jsonReply, type Reply } from "../reply.ts";
import { serveSnapshots } from "./thaw-snapshots.ts";

export const ADMIN_PREFIX = "/_thaw/v1/";
/** Two are enough to see what is equal. */
const CHECK_CLONES = 2;

export type HostDescription = () => Promise<Readonly<Record<string, unknown>>>;

export interface AdminServices {
  readonly control: ControlPlane;
  readonly describeHost: HostDescription;
  readonly figures: Figures;
}

export interface StreamReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly stream: Readable;
}

export async function serveAdminApi(
  services: AdminServices,
  request: WireRequest,
  gone: AbortSignal,
): Promise<Reply | StreamReply> {
  const { control, describeHost, figures } = services;
  const [resource = "", ...rest] = request.path.slice(ADMIN_PREFIX.length).split("/").map(decodeURIComponent);
  switch (`${request.method} ${resource}`) {
    case "GET host":
      return jsonReply(200, await describeHost());
    case "GET metrics":
      return { status: 200, headers: { "Content-Type": figures.contentType }, body: Buffer.from(await figures.text()) };
    case "GET environments":
      return jsonReply(200, {
        environments: control.services.worker
          .listEnvironments()
          .filter((each) => matches(each, filterOf(request.query.get("function"), request.query.get("version")))),
      });
    case "POST environments":
      return stopEnvironments(control, rest, request.body);
    case "POST check":
      return checkFunction(control, request.body);
    case "GET provisioned":
      return jsonReply(200, { provisioned: control.provisioned.summaries() });
    case "GET runtimes":
      return jsonReply(200, { releases: listReleases(control.services) });
    case "GET snapshots":
      return serveSnapshots(control, rest, request.query.get("local") === "true");
    case "GET logs":
      return streamLogs(control, rest.join("/"), request.query, gone);
    case "GET keys":
      return jsonReply(200, { keys: control.services.keys.list() });
    case "POST keys":
      return changeKey(control, rest[0], request.body);
    case "PUT objects":
      return putObject(control, rest, request.body);
    case "GET code":
      return readCode(control, rest[0] ?? "");
    default:
      throw new ApiError("UnknownOperationException", `There is nothing at ${request.method} ${request.path}.`);
  }
}

function filterOf(functionName: string | null | undefined, version: string | null | undefined): EnvironmentFilter {
  return { ...(functionName ? { functionName } : {}), ...(version ? { version } : {}) };
}

function matches(
  environment: { readonly functionName: string; readonly version: string },
  filter: EnvironmentFilter,
): boolean {
  return (
    (filter.functionName ?? environment.functionName) === environment.functionName &&
    (filter.version ?? environment.version) === environment.version
  );
}

async function stopEnvironments(control: ControlPlane, rest: readonly string[], body: Buffer): Promise<Reply> {
  if (rest[0] !== "stop") throw new ApiError("UnknownOperationException", "There is only environments/stop.");
  const wanted =
    body.length === 0
      ? {}
      : (JSON.parse(body.toString("utf8")) as { function?: string; version?: string; keepParked?: boolean });
  let version = wanted.version;
  if (wanted.function !== undefined && version !== undefined && !/^(\d+|\$LATEST)$/.test(version)) {
    version = control.services.store.getAlias(wanted.function, version)?.functionVersion ?? version;
  }
  return jsonReply(200, {
    stopped: await control.services.worker.stopEnvironments({
      ...filterOf(wanted.function, version),
      keepParked: wanted.keepParked === true,
    }),
  });
}

async function checkFunction(control: ControlPlane, body: Buffer): Promise<Reply> {
  let wanted: { readonly function?: unknown; readonly event?: unknown; readonly clones?: unknown };
  try {
    wanted = Object(JSON.parse(body.toString("utf8"))) as typeof wanted;
  } catch (error) {
    throw invalidParameter(`The request is not JSON: ${(error as Error).message}`);
  }
  return jsonReply(
    200,
    await control.checks.check({
      function: wanted.function,
      event: wanted.event ?? "{}",
      clones: wanted.clones ?? CHECK_CLONES,
    }),
  );
}

function streamLogs(
  control: ControlPlane,
  functionName: string,
  query: URLSearchParams,
  gone: AbortSignal,
): StreamReply {
  const { logGroup } = findLatest(control.services, functionName).config;
  const since = Number(query.get("since") ?? "0");
  if (!Number.isFinite(since)) throw invalidParameter("since must be milliseconds since the epoch");
  const events = control.services.logs.read(logGroup, {
    sinceMs: since,
    follow: query.get("follow") === "1",
    signal: gone,
  });
  return { status: 200, headers: { "Content-Type": "application/x-ndjson" }, stream: Readable.from(toLines(events)) };
}

async function* toLines(events: AsyncIterable<unknown>): AsyncGenerator<string> {
  for await (const event of events) yield `${JSON.stringify(event)}\n`;
}

function changeKey(control: ControlPlane, action: string | undefined, body: Buffer): Reply {
  const { keys } = control.services;
  const arn = parseArn(body);
  if (action === "enable" || action === "disable") keys.setState(arn, action === "enable" ? "Enabled" : "Disabled");
  else if (arn === null) throw invalidParameter("The installation's own key is always there.");
  else if (action === "create") keys.create(arn);
  else if (action === "delete") keys.remove(arn);
  else throw new ApiError("UnknownOperationException", "There are keys/create, enable, disable and delete.");
  return jsonReply(200, { keys: keys.list() });
}

function parseArn(body: Buffer): string | null {
  const wrong = invalidParameter('The body must be {"arn": "arn:…"} or {"arn": null}.');
  try {
    const { arn } = JSON.parse(body.toString("utf8")) as { arn?: unknown };
    if (typeof arn === "string" || arn === null) return arn;
  } catch {
    throw wrong;
  }
  throw wrong;
}

async function putObject(control: ControlPlane, rest: readonly string[], body: Buffer): Promise<Reply> {
  const [bucket = "", ...key] = rest;
  if (key.length === 0) throw invalidParameter("An object needs a bucket and a key.");
  try {
    return jsonReply(200, await control.services.objects.put(bucket, key.join("/"), Readable.from([body])));
  } catch (error) {
    if (error instanceof RangeError) throw invalidParameter(error.message);
    throw error;
  }
}

async function readCode(control: ControlPlane, codeName: string): Promise<Reply> {
  const zip = /^code-[0-9a-f]{40}$/.test(codeName) ? await control.services.code.readZip(codeName) : null;
  if (zip === null) throw notFound(`Code not found: ${codeName}`);
  return { status: 200, headers: { "Content-Type": "application/zip" }, body: zip };
}
