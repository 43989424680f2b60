/**
 * Fills in, just before a handler is called, what is never stored: values of NoEcho parameters and of dynamic
 * references. Addresses of AWS's that name an API of this installation become its own.
 */
import { fillSecrets, type Secret } from "@thaw/stacks/secrets";
import { isTemplateList, isTemplateMap, type TemplateMap, type TemplateValue } from "@thaw/template/value";
import { CallError, type ServiceCalls } from "../ports/service-calls.ts";
import { HandlerError } from "./handlers/handler.ts";

/** What an action fills in; made anew for each one. */
export interface FillParts {
  readonly services: ServiceCalls;
  readonly secrets: readonly Secret[];
  readonly region: string;
  readonly addressOf: (label: "lambda-url" | "execute-api", id: string) => string;
}

const REFERENCE = /\{\{resolve:(ssm|ssm-secure|secretsmanager):([^{}]{1,4096})\}\}/g;
const API_ADDRESS = /https:\/\/([a-z0-9]{10})\.execute-api\.([a-z0-9-]{1,32})\.amazonaws\.com(?=$|[/?:"'\s])/g;

/** Throws a HandlerError where a value can't be had. */
export async function fillValues(properties: TemplateMap, parts: FillParts): Promise<TemplateMap> {
  const found = new Map<string, string>();
  const withReferences = await mapTexts(withSecrets(properties, parts.secrets), (text) =>
    fillReferences(text, parts, found),
  );
  return (await mapTexts(withReferences, (text) => ownAddresses(text, parts, found))) as TemplateMap;
}

/** As they were applied: what can't be had any more is left out of them, as nothing is made by it. */
export async function fillEarlier(properties: TemplateMap, parts: FillParts): Promise<TemplateMap> {
  const found = new Map<string, string>();
  const filled = await mapTexts(
    fillSecrets(properties, (name, digest) => find(parts.secrets, name, digest)?.value ?? ""),
    (text) => fillReferences(text, parts, found).catch(() => text),
  );
  return (await mapTexts(filled, (text) => ownAddresses(text, parts, found))) as TemplateMap;
}

/** Addresses of APIs in a text of an output. */
export function ownAddresses(
  text: string,
  { services, region, addressOf }: Omit<FillParts, "secrets">,
  found = new Map<string, string>(),
): Promise<string> {
  return replaceAll(text, API_ADDRESS, async ([whole, id = "", inRegion]) => {
    if (inRegion !== region) return whole;
    const known = found.get(id);
    if (known !== undefined) return known;
    const isOwn = (await isThere(services, "apigatewayv2", "GetApi", { ApiId: id }))
      ? true
      : await isThere(services, "apigateway", "GetRestApi", { restApiId: id });
    const address = isOwn ? addressOf("execute-api", id).replace(/\/$/, "") : whole;
    found.set(id, address);
    return address;
  });
}

function withSecrets(properties: TemplateMap, secrets: readonly Secret[]): TemplateMap {
  return fillSecrets(properties, (name, digest) => {
    const secret = find(secrets, name, digest);
    if (secret === undefined) throw new HandlerError(`The value of the parameter ${name} is not there any more`);
    return secret.value;
  });
}

function find(secrets: readonly Secret[], name: string, digest: string): Secret | undefined {
  return secrets.find((each) => each.name === name && each.digest === digest);
}

async function isThere(services: ServiceCalls, service: string, operation: string, input: object): Promise<boolean> {
  try {
    await services.call(service, operation, input as Readonly<Record<string, unknown>>);
    return true;
  } catch (error) {
    if (error instanceof CallError) return false;
    throw error;
  }
}

function fillReferences(text: string, { services }: FillParts, found: Map<string, string>): Promise<string> {
  return replaceAll(text, REFERENCE, async ([whole, service = "", name = ""]) => {
    const known = found.get(whole);
    if (known !== undefined) return known;
    const value = service === "secretsmanager" ? await secretOf(services, name) : await parameterOf(services, name);
    found.set(whole, value);
    return value;
  });
}

/** `name` or `name:version`. */
async function parameterOf(services: ServiceCalls, name: string): Promise<string> {
  const { Parameter: parameter } = await asked(services, "ssm", "GetParameter", { Name: name, WithDecryption: true });
  return String((parameter as { readonly Value?: string } | undefined)?.Value ?? "");
}

/** `secret-id:SecretString:json-key:version-stage:version-id`; an id may be an ARN, which has colons of its own. */
async function secretOf(services: ServiceCalls, reference: string): Promise<string> {
  const parts = reference.split(":");
  const idParts = reference.startsWith("arn:") ? 7 : 1;
  const id = parts.slice(0, idParts).join(":");
  const [, key = "", stage = "", version = ""] = parts.slice(idParts);
  const { SecretString: text } = await asked(services, "secretsmanager", "GetSecretValue", {
    SecretId: id,
    ...(stage === "" ? {} : { VersionStage: stage }),
    ...(version === "" ? {} : { VersionId: version }),
  });
  if (key === "") return String(text);
  const value = memberOf(String(text), key);
  if (value === undefined) throw new HandlerError(`Could not find a value associated with JSONKey in SecretString`);
  return value;
}

function memberOf(text: string, key: string): string | undefined {
  try {
    const members: unknown = JSON.parse(text);
    if (!isTemplateMap(members) || !Object.hasOwn(members, key)) return undefined;
    const value = members[key];
    return typeof value === "string" ? value : JSON.stringify(value);
  } catch {
    return undefined;
  }
}

async function asked(
  services: ServiceCalls,
  service: string,
  operation: string,
  input: Readonly<Record<string, unknown>>,
) {
  try {
    return await services.call(service, operation, input);
  } catch (error) {
    if (error instanceof CallError) throw new HandlerError(`A dynamic reference can't be resolved: ${error.message}`);
    throw error;
  }
}

async function mapTexts(value: TemplateValue, change: (text: string) => Promise<string>): Promise<TemplateValue> {
  if (typeof value === "string") return value.length < 10 ? value : change(value);
  if (isTemplateList(value)) return Promise.all(value.map((each) => mapTexts(each, change)));
  if (!isTemplateMap(value)) return value;
  const entries = Object.entries(value).map(async ([key, each]) => [key, await mapTexts(each, change)] as const);
  return Object.fromEntries(await Promise.all(entries));
}

/** In their order, one after the other. */
async function replaceAll(
  text: string,
  pattern: RegExp,
  replace: (match: RegExpMatchArray) => Promise<string>,
): Promise<string> {
  let replaced = "";
  let from = 0;
  for (const match of text.matchAll(pattern)) {
    replaced += text.slice(from, match.index) + (await replace(match));
    from = match.index + match[0].length;
  }
  return replaced + text.slice(from);
}
