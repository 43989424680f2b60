/**
 * The event that a function URL or an HTTP API makes of an HTTP request: payload format 2.0.
 * https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 */
import type { Caller } from "./caller.ts";
import { queryValues } from "./query-values.ts";

export interface HttpCall {
  readonly method: string;
  /** As sent, percent-encoded. */
  readonly path: string;
  /** As sent, without the `?`. */
  readonly query: string;
  /** Each header with all its values, by its name in lower case. */
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly body: Buffer;
  /** Such as HTTP/1.1. */
  readonly protocol: string;
  readonly sourceIp: string;
  readonly port: string;
  readonly scheme: "http" | "https";
  readonly domainName: string;
  /** Id of the URL or of the API. */
  readonly apiId: string;
  /** The account that the event names. */
  readonly accountId: string;
  /** What was chosen for the request. A function URL has one route and one stage, `$default`. */
  readonly route: HttpRoute;
  readonly requestId: string;
  readonly traceId: string;
  readonly timeMs: number;
  /** Who signed the request; null where no signature is asked for. */
  readonly caller: Pick<Caller, "accessKeyId" | "accountId" | "principalArn" | "userId"> | null;
  /** What an authorizer of an HTTP API has handed on; null: none was asked. */
  readonly granted: Granted | null;
}

/** What an event says of the authorizer that let a request in. */
export type Granted =
  | {
      readonly kind: "jwt";
      readonly claims: Readonly<Record<string, string>>;
      /** Those that the route asks for and the token has; null: it asks for none. */
      readonly scopes: readonly string[] | null;
    }
  | {
      readonly kind: "lambda";
      /** Null where the authorizer gave a plain yes. */
      readonly principalId: string | null;
      readonly context: Readonly<Record<string, unknown>>;
    };

export interface HttpRoute {
  readonly key: string;
  readonly stage: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly variables: Readonly<Record<string, string>>;
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
/** Headers of one connection, and those that are members of their own. Authorization is the platform's if it asks. */
const LEFT_OUT = new Set(["connection", "keep-alive", "transfer-encoding", "te", "upgrade", "cookie"]);
const UTF_8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Makes the event. Members that AWS leaves out where there is nothing are left out. */
export function toHttpEvent(call: HttpCall): Readonly<Record<string, unknown>> {
  const cookies = (call.headers["cookie"] ?? []).flatMap((line) => line.split(";").map((each) => each.trim()));
  const query = Object.fromEntries([...queryValues(call.query)].map(([name, all]) => [name, all.join(",")]));
  return {
    version: "2.0",
    routeKey: call.route.key,
    rawPath: call.path,
    rawQueryString: call.query,
    ...(cookies.some((each) => each !== "") ? { cookies: cookies.filter((each) => each !== "") } : {}),
    headers: headersOf(call),
    ...unlessEmpty("queryStringParameters", query),
    ...unlessEmpty("pathParameters", call.route.parameters),
    ...unlessEmpty("stageVariables", call.route.variables),
    requestContext: contextOf(call),
    ...bodyOf(call),
  };
}

function unlessEmpty(name: string, map: Readonly<Record<string, string>>): Readonly<Record<string, unknown>> {
  return Object.keys(map).length === 0 ? {} : { [name]: map };
}

function headersOf(call: HttpCall): Record<string, string> {
  const entries = Object.entries(call.headers).filter(
    ([name]) => !LEFT_OUT.has(name) && !(name === "authorization" && call.caller !== null),
  );
  const made = {
    "x-amzn-trace-id": call.traceId,
    "x-forwarded-for": call.sourceIp,
    "x-forwarded-port": call.port,
    "x-forwarded-proto": call.scheme,
  };
  // Null prototype: a header may be called __proto__.
  return Object.assign(
    Object.create(null) as Record<string, string>,
    Object.fromEntries(entries.map(([name, values]) => [name, values.join(",")])),
    made,
  );
}

function contextOf(call: HttpCall): Readonly<Record<string, unknown>> {
  return {
    accountId: call.accountId,
    apiId: call.apiId,
    ...authorizerOf(call),
    domainName: call.domainName,
    domainPrefix: call.apiId,
    http: {
      method: call.method,
      path: call.path,
      protocol: call.protocol,
      sourceIp: call.sourceIp,
      userAgent: call.headers["user-agent"]?.join(",") ?? "",
    },
    requestId: call.requestId,
    routeKey: call.route.key,
    stage: call.route.stage,
    time: formatTime(call.timeMs),
    timeEpoch: call.timeMs,
  };
}

function authorizerOf({ caller, granted }: HttpCall): Readonly<Record<string, unknown>> {
  if (caller !== null) return { authorizer: { iam: identityOf(caller) } };
  if (granted === null) return {};
  if (granted.kind === "jwt") return { authorizer: { jwt: { claims: granted.claims, scopes: granted.scopes } } };
  const { context } = granted;
  return { authorizer: { lambda: Object.keys(context).length === 0 ? null : context } };
}

/** An account itself, or a function of one: there are no users. */
function identityOf({
  accessKeyId,
  accountId,
  principalArn,
  userId,
}: NonNullable<HttpCall["caller"]>): Readonly<Record<string, unknown>> {
  return {
    accessKey: accessKeyId,
    accountId,
    callerId: userId,
    cognitoIdentity: null,
    principalOrgId: null,
    userArn: principalArn,
    userId,
  };
}

/** `12/Mar/2020:19:03:58 +0000` */
export function formatTime(ms: number): string {
  const iso = new Date(ms).toISOString();
  return `${iso.slice(8, 10)}/${MONTHS[Number(iso.slice(5, 7)) - 1]}/${iso.slice(0, 4)}:${iso.slice(11, 19)} +0000`;
}

/** Text as it is, and all else in base64. */
export function bodyOf({ body, headers }: Pick<HttpCall, "body" | "headers">): {
  readonly body?: string;
  readonly isBase64Encoded: boolean;
} {
  if (body.length === 0) return { isBase64Encoded: false };
  const text = isText(headers["content-type"]?.[0] ?? "") ? decode(body) : null;
  return text === null
    ? { body: body.toString("base64"), isBase64Encoded: true }
    : { body: text, isBase64Encoded: false };
}

function isText(contentType: string): boolean {
  const [type = "", subtype = ""] = (contentType.split(";")[0] ?? "").trim().toLowerCase().split("/");
  if (type === "text") return true;
  const isKnown = ["json", "xml", "javascript", "x-javascript", "ecmascript"].includes(subtype);
  return type === "application" && (isKnown || subtype.endsWith("+json") || subtype.endsWith("+xml"));
}

/** Null where the bytes are no UTF-8. */
function decode(bytes: Buffer): string | null {
  try {
    return UTF_8.decode(bytes);
  } catch {
    return null;
  }
}

/** The event of a Lambda authorizer, payload format 2.0. `sources`: the values of the identity. */
export function toAuthorizerEvent(call: HttpCall, routeArn: string, sources: readonly string[]): object {
  const { version, body: _body, isBase64Encoded: _isBase64Encoded, ...event } = toHttpEvent(call);
  const identitySource = sources.length === 0 ? null : sources;
  return { version, type: "REQUEST", routeArn, identitySource, ...event };
}
