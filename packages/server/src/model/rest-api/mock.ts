/**
 * Mock integrations, as tools make them to answer browsers' preflights: the request's template says a status, the
 * response of that status has fixed headers and a fixed body. Of VTL, only the template is read by which the AWS CDK
 * and the Serverless Framework choose among several origins.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-mock-integration.html
 */
import { isLike } from "@thaw/template/like";
import type { RestIntegrationRecord, RestIntegrationResponseRecord } from "./record.ts";

const JSON_TYPE = "application/json";
const HEADER = "method.response.header.";
const PARAMETER = /^method\.response\.header\.[A-Za-z0-9!#$%&'*+.^_`|~-]+$/;
/** A text in quotes; a header can't hold line breaks. */
const STATIC = /^'([\x20-\x7e]*)'$/;
/** Also without quotes, as the Serverless Framework writes it, and as AWS reads it. */
const STATUS = /^\{["']?statusCode["']?:["']?(\d{3})["']?,?\}$/;
const VTL = /\$[!{A-Za-z]|#[{@#*A-Za-z]/;
const LENGTH_MAX = 300 * 1024;

/** The status that a request's template says; null where it is not of that form. */
export function mockStatus(template: string): string | null {
  return template.length > LENGTH_MAX ? null : (STATUS.exec(template.replaceAll(/\s+/g, ""))?.[1] ?? null);
}

/** Says what of a mock's response Thaw can't make; null where it can make all of it. */
export function mockResponseProblem({
  selectionPattern,
  responseParameters,
  responseTemplates,
}: RestIntegrationResponseRecord): string | null {
  if (selectionPattern !== null && !/^\d{3}(?:\|\d{3})*$|^[1-5]\\d\{2\}$/.test(selectionPattern))
    return `selectionPattern ${selectionPattern.slice(0, 60)} is not supported for MOCK: give statuses, such as 200 or 200|204`;
  for (const [name, value] of Object.entries(responseParameters)) {
    if (!PARAMETER.test(name)) return `${name} is not supported: only method.response.header.NAME is`;
    if (!STATIC.test(value)) return `the value ${value.slice(0, 100)} of ${name} is not a text in single quotes`;
  }
  for (const template of Object.values(responseTemplates))
    if (template.length > LENGTH_MAX || (VTL.test(template) && readOrigins(template) === null))
      return "of VTL, only the template by which tools choose among origins is supported: answer with a function";
  return null;
}

export interface MockAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Null where the integration makes no answer: the client is told of an error. */
export function toMockAnswer(
  { requestTemplates, responses }: RestIntegrationRecord,
  { contentType, origin }: { readonly contentType: string | null; readonly origin: string | null },
): MockAnswer | null {
  const type = (contentType ?? JSON_TYPE).split(";", 1)[0]?.trim() ?? JSON_TYPE;
  const template =
    (Object.hasOwn(requestTemplates, type) ? requestTemplates[type] : requestTemplates[JSON_TYPE]) ?? null;
  const status = template === null ? null : mockStatus(template);
  if (status === null) return null;
  const entries = Object.entries(responses);
  const matching = entries.find(([, { selectionPattern }]) => selects(selectionPattern, status));
  const [code, response] = matching ?? entries.find(([, { selectionPattern }]) => selectionPattern === null) ?? [];
  if (code === undefined || response === undefined) return null;
  const templates = response.responseTemplates;
  const [bodyType, text] =
    templates[JSON_TYPE] === undefined
      ? (Object.entries(templates)[0] ?? [JSON_TYPE, ""])
      : [JSON_TYPE, templates[JSON_TYPE]];
  const origins = readOrigins(text);
  const headers: Record<string, string> = { "Content-Type": bodyType };
  for (const [name, value] of Object.entries(response.responseParameters))
    headers[name.slice(HEADER.length)] = STATIC.exec(value)?.[1] ?? "";
  const isAllowed = origins !== null && origin !== null && origins.some((pattern) => isLike(pattern, origin));
  return {
    status: Number(code),
    headers: isAllowed ? { ...withoutOrigin(headers), "Access-Control-Allow-Origin": origin } : headers,
    body: origins === null ? text : "",
  };
}

function withoutOrigin(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => name.toLowerCase() !== "access-control-allow-origin"),
  );
}

function selects(pattern: string | null, status: string): boolean {
  if (pattern === null) return false;
  return pattern.endsWith("{2}") ? pattern[0] === status[0] : pattern.split("|").includes(status);
}

const ORIGIN = `\\$input\\.params\\((?:\\)\\.header\\.get\\()?["'](?:Origin|origin)["']\\)`;
const HEAD = new RegExp(
  `^#set\\(\\$origin ?= ?${ORIGIN}\\) ?#if\\(\\$origin ?== ?(?:""|'')\\) ?#set\\(\\$origin ?= ?${ORIGIN}\\) ?#end ?#if\\(`,
);
const TAIL =
  /\) ?#set\(\$context\.responseOverride\.header\.Access-Control-Allow-Origin ?= ?(?:\$origin|"\$origin")\) ?#end ?$/;
const MATCHES = /^\$origin\.matches\((?:"([^"]*)"|'([^']*)')\)$/;
const ORIGINS_MAX = 100;

/** Patterns of the origins that a template lets in, with `*` and `?`; null where it is no such template. */
export function readOrigins(template: string): readonly string[] | null {
  const line = template.trim().split(/\s+/).join(" ");
  const [head, tail] = [HEAD.exec(line), TAIL.exec(line)];
  if (head === null || tail === null || head[0].length > tail.index) return null;
  const conditions = line.slice(head[0].length, tail.index).split("||");
  if (conditions.length > ORIGINS_MAX) return null;
  const patterns = conditions.map((each) => {
    const [, double, single] = MATCHES.exec(each.trim()) ?? [];
    return likeOf(double ?? single ?? null);
  });
  return patterns.every((each) => each !== null) ? patterns : null;
}

/** A regular expression of Java's, of the simple kind that stands for an origin, as a pattern with `*` and `?`. */
function likeOf(expression: string | null): string | null {
  if (expression === null) return null;
  const plain = expression
    .replaceAll("[.]", "\u0001")
    .replaceAll("\\.", "\u0001")
    .replaceAll(".*", "\u0002")
    .replaceAll(".+", "?\u0002")
    .replaceAll(".", "?");
  if (/[\\[\](){}*+|^$]/.test(plain)) return null;
  return plain.replaceAll("\u0001", ".").replaceAll("\u0002", "*");
}
