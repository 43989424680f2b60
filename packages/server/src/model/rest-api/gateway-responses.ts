/**
 * Answers that a REST API gives by itself, and what an API may put in their place.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
 */
import type { RestGatewayResponseRecord } from "./record.ts";

/** Status of each type; null: that of whatever answer it stands for. */
export const GATEWAY_RESPONSES = {
  ACCESS_DENIED: 403,
  API_CONFIGURATION_ERROR: 500,
  AUTHORIZER_CONFIGURATION_ERROR: 500,
  AUTHORIZER_FAILURE: 500,
  BAD_REQUEST_BODY: 400,
  BAD_REQUEST_PARAMETERS: 400,
  DEFAULT_4XX: null,
  DEFAULT_5XX: null,
  EXPIRED_TOKEN: 403,
  INTEGRATION_FAILURE: 504,
  INTEGRATION_TIMEOUT: 504,
  INVALID_API_KEY: 403,
  INVALID_SIGNATURE: 403,
  MISSING_AUTHENTICATION_TOKEN: 403,
  QUOTA_EXCEEDED: 429,
  REQUEST_TOO_LARGE: 413,
  RESOURCE_NOT_FOUND: 404,
  THROTTLED: 429,
  UNAUTHORIZED: 401,
  UNSUPPORTED_MEDIA_TYPE: 415,
  WAF_FILTERED: 403,
} as const;

export type GatewayResponseType = keyof typeof GATEWAY_RESPONSES;

/** An answer of the gateway itself. */
export interface GatewayFailure {
  readonly type: GatewayResponseType;
  readonly status: number;
  /** Null is in the body: some errors have no text. */
  readonly message: string | null;
  /** For `x-amzn-ErrorType`. */
  readonly errorType: string;
  /** Where AWS's own body has it with a capital. */
  readonly isCapital?: boolean;
  /** What is wrong with a body that was checked. */
  readonly validation?: string;
}

/** What templates and parameters of responses can name. */
export interface FailureContext {
  readonly header: (name: string) => string | null;
  readonly query: (name: string) => string | null;
  /** Values of `$context`, by what stands behind it. */
  readonly context: Readonly<Record<string, string>>;
}

export interface FailureAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Names behind `$context.` that are filled in; a failure's own and those of the request. */
const OF_THE_FAILURE = ["error.message", "error.messageString", "error.responseType", "error.validationErrorString"];
const OF_THE_REQUEST = [
  "apiId",
  "domainName",
  "extendedRequestId",
  "httpMethod",
  "identity.sourceIp",
  "path",
  "requestId",
  "resourcePath",
  "stage",
];
const KNOWN: ReadonlySet<string> = new Set([...OF_THE_FAILURE, ...OF_THE_REQUEST]);
const VARIABLE = /\$\{?context\.([A-Za-z]+(?:\.[A-Za-z]+)*)\}?/g;
const HEADER = "gatewayresponse.header.";
const NAME = "[A-Za-z0-9!#$%&'*+.^_`|~-]+";
const PARAMETER = new RegExp(`^gatewayresponse\\.header\\.${NAME}$`);
const SOURCE = new RegExp(`^method\\.request\\.(header|querystring)\\.(${NAME})$`);
/** A text in quotes; a header can't hold line breaks. */
const STATIC = /^'([\x20-\x7e]*)'$/;
const JSON_TYPE = "application/json";

export function isGatewayResponseType(type: string): type is GatewayResponseType {
  return Object.hasOwn(GATEWAY_RESPONSES, type);
}

/** Says what of a response Thaw can't make; null where it can make all of it. */
export function responseProblem({
  responseParameters,
  responseTemplates,
}: Pick<RestGatewayResponseRecord, "responseParameters" | "responseTemplates">): string | null {
  for (const [name, value] of Object.entries(responseParameters)) {
    if (!PARAMETER.test(name)) return `${name} is not supported: only gatewayresponse.header.NAME is`;
    if (!STATIC.test(value) && !SOURCE.test(value) && !isKnownContext(value))
      return `the value ${value.slice(0, 100)} of ${name} is neither a text in single quotes nor one of method.request.header.NAME, method.request.querystring.NAME and context.NAME`;
  }
  for (const template of Object.values(responseTemplates)) {
    const unknown = [...template.matchAll(VARIABLE)].find(([, name = ""]) => !KNOWN.has(name));
    if (unknown !== undefined) return `${unknown[0]} is not supported in templates of responses`;
    if (/\$[!{A-Za-z]|#[{@A-Za-z]/.test(template.replaceAll(VARIABLE, "")))
      return "templates of responses may have $context variables, and nothing else of VTL";
  }
  return null;
}

function isKnownContext(value: string): boolean {
  return value.startsWith("context.") && KNOWN.has(value.slice("context.".length));
}

/** Makes the answer as the API wants it. */
export function toFailureAnswer(
  failure: GatewayFailure,
  responses: readonly RestGatewayResponseRecord[],
  about: FailureContext,
): FailureAnswer {
  const byStatus = failure.status < 500 ? "DEFAULT_4XX" : "DEFAULT_5XX";
  const wanted =
    responses.find(({ type }) => type === failure.type) ?? responses.find(({ type }) => type === byStatus) ?? null;
  const { type, status, message, errorType } = failure;
  const messageString = JSON.stringify(message);
  const own = {
    "error.message": message ?? "",
    "error.messageString": messageString,
    "error.responseType": type,
    "error.validationErrorString": failure.validation ?? "",
  };
  const values: Readonly<Record<string, string>> = { ...about.context, ...own };
  const [contentType, template] = templateOf(wanted);
  return {
    status: wanted?.statusCode === undefined || wanted.statusCode === null ? status : Number(wanted.statusCode),
    headers: { "Content-Type": contentType, "x-amzn-ErrorType": errorType, ...headersOf(wanted, about, values) },
    body: template?.replaceAll(VARIABLE, (_all, name: string) => values[name] ?? "") ?? bodyOf(failure, messageString),
  };
}

/** AWS's own answers of 500 and more have a blank that those of 400 do not have, unless there is no text. */
function bodyOf({ status, isCapital = false }: GatewayFailure, messageString: string): string {
  if (isCapital) return `{"Message":${messageString}}`;
  return status < 500 || messageString === "null" ? `{"message":${messageString}}` : `{"message": ${messageString}}`;
}

function templateOf(response: RestGatewayResponseRecord | null): readonly [type: string, template: string | null] {
  const templates = response?.responseTemplates ?? {};
  const [first] = Object.entries(templates);
  const json = templates[JSON_TYPE];
  if (json !== undefined) return [JSON_TYPE, json];
  return first ?? [JSON_TYPE, null];
}

function headersOf(
  response: RestGatewayResponseRecord | null,
  about: FailureContext,
  values: Readonly<Record<string, string>>,
): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, source] of Object.entries(response?.responseParameters ?? {})) {
    const value = valueOf(source, about, values);
    if (value !== null) headers[name.slice(HEADER.length)] = value;
  }
  return headers;
}

function valueOf(source: string, about: FailureContext, values: Readonly<Record<string, string>>): string | null {
  const text = STATIC.exec(source)?.[1];
  if (text !== undefined) return text;
  const [, place, name = ""] = SOURCE.exec(source) ?? [];
  const value =
    place === "header"
      ? about.header(name.toLowerCase())
      : place === "querystring"
        ? about.query(name)
        : (values[source.slice("context.".length)] ?? null);
  return value === null ? null : value.replaceAll(/[^\t\x20-\x7e\x80-\xff]/g, "?");
}
