/** What the handlers of both versions of API Gateway share. */
import { isTemplateList, isTemplateMap, type TemplateMap, type TemplateValue } from "@thaw/template/value";
import { type HandlerContext, HandlerError } from "./handler.ts";
import { mapOf, tagsOf, textOf } from "./values.ts";

export type Texts = Readonly<Record<string, string>>;

const TAG_VALUE = "x-amazon-apigateway-tag-value";
const FLAGS = new Set(["true", "false"]);

/** The definition of an API in the template, or in an object; null: there is none. Its tags are the stack's, too. */
export async function definitionOf(properties: TemplateMap, context: HandlerContext): Promise<string | null> {
  const body = properties["Body"];
  const place = mapOf(properties, "BodyS3Location");
  if (body !== undefined && place !== null) throw new HandlerError("Give Body or BodyS3Location, not both.");
  if (place !== null) return objectOf(place, context);
  if (body === undefined) return null;
  if (!isTemplateMap(body)) throw new HandlerError("Body must be a definition, a map.");
  const { tags } = body;
  const made = Object.entries(tagMap(properties, context)).map(([name, value]) => ({ name, [TAG_VALUE]: value }));
  return JSON.stringify({ ...body, tags: [...(isTemplateList(tags) ? tags : []), ...made] });
}

async function objectOf(place: TemplateMap, { services }: HandlerContext): Promise<string> {
  const version = textOf(place, "Version");
  const { Body: content } = await services.call("s3", "GetObject", {
    Bucket: textOf(place, "Bucket") ?? "",
    Key: textOf(place, "Key") ?? "",
    ...(version === null ? {} : { VersionId: version }),
  });
  return Buffer.isBuffer(content) ? content.toString("utf8") : "";
}

/** Tags of a resource, which version 1 has as a list and version 2 as a map, over those of the stack. */
export function tagMap(properties: TemplateMap, context: HandlerContext): Texts {
  const own = properties["Tags"];
  if (!isTemplateMap(own)) {
    const tags = tagsOf(properties, context).map(({ Key, Value }) => [Key, Value] as const);
    return Object.fromEntries(tags);
  }
  const { tags } = context;
  return { ...tags, ...Object.fromEntries(Object.entries(own).map(([key, value]) => [key, String(value)])) };
}

/** Whether tags say that a thing was made for this resource, by a server that crashed before it could say so. */
export function isTagged(tags: unknown, { stackId, logicalId }: HandlerContext): boolean {
  const found = (tags ?? {}) as Texts;
  return found["aws:cloudformation:stack-id"] === stackId && found["aws:cloudformation:logical-id"] === logicalId;
}

/** Members that an operation takes: properties of these names, with numbers and flags where templates have texts. */
export function membersOf(
  properties: TemplateMap,
  names: readonly string[],
  { numbers = [], flags = [] }: { readonly numbers?: readonly string[]; readonly flags?: readonly string[] } = {},
): Readonly<Record<string, TemplateValue>> {
  const members: Record<string, TemplateValue> = {};
  for (const name of names) {
    const value = properties[name];
    if (value === undefined || value === null) continue;
    if (numbers.includes(name) && typeof value === "string" && /^\d{1,9}$/.test(value)) members[name] = Number(value);
    else if (flags.includes(name) && typeof value === "string" && FLAGS.has(value)) members[name] = value === "true";
    else
      members[name] =
        typeof value === "object" || numbers.includes(name) || flags.includes(name) ? value : String(value);
  }
  return members;
}

/** The same with the names of version 1, which begin in lower case, at all depths that are given as maps of members. */
export function lowered(members: Readonly<Record<string, TemplateValue>>): Readonly<Record<string, TemplateValue>> {
  return Object.fromEntries(Object.entries(members).map(([name, value]) => [lowerFirst(name), value]));
}

function lowerFirst(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1);
}

/** Throws a HandlerError where a map has other members. */
export function checkNames(given: TemplateMap, names: readonly string[], place: string): void {
  const unknown = Object.keys(given).find((name) => !names.includes(name));
  if (unknown !== undefined) throw new HandlerError(`${place}.${unknown} is not supported by Thaw: leave it out.`);
}

/** Takes all pages of a list. */
export async function allOf(
  page: (token: string | undefined) => Promise<{ readonly items: unknown; readonly next: unknown }>,
): Promise<ReadonlyArray<Readonly<Record<string, unknown>>>> {
  const all: Array<Readonly<Record<string, unknown>>> = [];
  let token: string | undefined;
  do {
    const { items, next } = await page(token);
    all.push(...((items ?? []) as typeof all));
    token = typeof next === "string" ? next : undefined;
  } while (token !== undefined);
  return all;
}
