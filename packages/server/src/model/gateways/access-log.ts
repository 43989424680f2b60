/**
 * Lines that stages write about requests, as their formats want them. What has no value is `-`, as on AWS, and nothing
 * is escaped.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html
 */

export interface AccessLogRecord {
  /** ARN of the log group. */
  readonly destinationArn: string;
  /** May name values of the request: `$context.NAME`. */
  readonly format: string;
}

const VARIABLE = /\$context\.([A-Za-z_][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_:-]+)*)/g;
/** AWS's limit of HTTP APIs; it documents none of REST APIs. */
export const FORMAT_LENGTH_MAX = 3072;
/** Far above any line that is meant; AWS's limit of an event is 1 MB. */
const LINE_LENGTH_MAX = 256 * 1024;

export type LogValues = (name: string) => string | null;

/** Line breaks of values would look like other lines: they are spaces. */
export function accessLogLine(format: string, valueOf: LogValues): string {
  const line = format.replaceAll(VARIABLE, (_all, name: string) => {
    const value = valueOf(name);
    return value === null || value === "" ? "-" : value.replaceAll(/[\r\n]/g, " ");
  });
  return line.slice(0, LINE_LENGTH_MAX);
}

/** A format has one of these, or AWS refuses it. */
export function namesRequest(format: string): boolean {
  return [...format.matchAll(VARIABLE)].some(([, name]) => name === "requestId" || name === "extendedRequestId");
}

/** Values of an authorizer: those that it handed on, by their names. */
export function authorizerValue(name: string, given: Readonly<Record<string, unknown>>): string | null {
  const own = name.startsWith("authorizer.") ? name.slice("authorizer.".length) : null;
  if (own === null || !Object.hasOwn(given, own)) return null;
  const value = given[own];
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
