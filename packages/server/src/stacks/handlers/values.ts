/** Values of properties as operations take them, and tags: templates may write numbers and booleans as texts. */
import { isTemplateList, isTemplateMap, type TemplateMap, type TemplateValue } from "@thaw/template/value";
import { CallError } from "../../ports/service-calls.ts";
import { type HandlerContext, HandlerError } from "./handler.ts";
import { isOwn as bearsOwnTags, type Owner } from "./own.ts";

/** Null where a property is not there. */
export function textOf(properties: TemplateMap, name: string): string | null {
  const value = properties[name];
  if (value === undefined || value === null) return null;
  if (typeof value === "object") throw new HandlerError(`${name} must be a text.`);
  return String(value);
}

export function numberOf(properties: TemplateMap, name: string): number | null {
  const text = textOf(properties, name);
  if (text === null) return null;
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value)) throw new HandlerError(`${name} must be a number.`);
  return value;
}

export function booleanOf(properties: TemplateMap, name: string): boolean | null {
  const text = textOf(properties, name);
  if (text === null || text === "true" || text === "false") return text === null ? null : text === "true";
  throw new HandlerError(`${name} must be true or false.`);
}

export function textsOf(properties: TemplateMap, name: string): readonly string[] {
  return listOf(properties, name).map((value) => {
    if (value === null || typeof value === "object") throw new HandlerError(`${name} must be a list of texts.`);
    return String(value);
  });
}

export function mapsOf(properties: TemplateMap, name: string): readonly TemplateMap[] {
  return listOf(properties, name).map((value) => {
    if (!isTemplateMap(value)) throw new HandlerError(`${name} must be a list of maps.`);
    return value;
  });
}

export function mapOf(properties: TemplateMap, name: string): TemplateMap | null {
  const value = properties[name];
  if (value === undefined || value === null) return null;
  if (!isTemplateMap(value)) throw new HandlerError(`${name} must be a map.`);
  return value;
}

function listOf(properties: TemplateMap, name: string): readonly TemplateValue[] {
  const value = properties[name];
  if (value === undefined || value === null) return [];
  if (!isTemplateList(value)) throw new HandlerError(`${name} must be a list.`);
  return value;
}

/** A document as its service takes it. */
export function documentOf(properties: TemplateMap, name: string): string {
  const value = properties[name];
  return typeof value === "string" ? value : JSON.stringify(value ?? null);
}

/** Members that are there: operations take none that is undefined. */
export function given(members: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== null && value !== undefined));
}

export interface Tag {
  readonly Key: string;
  readonly Value: string;
}

/** The resource's own tags over those of the stack. */
export function tagsOf(properties: TemplateMap, { tags }: HandlerContext): readonly Tag[] {
  const own = mapsOf(properties, "Tags").map((tag) => [textOf(tag, "Key") ?? "", textOf(tag, "Value") ?? ""] as const);
  return Object.entries(Object.fromEntries([...Object.entries(tags), ...own])).map(([Key, Value]) => ({ Key, Value }));
}

/** Whether a thing was made for this resource: by a server that crashed before it could say so. */
export function isOwn(found: readonly Tag[], context: Owner): boolean {
  return bearsOwnTags(Object.fromEntries(found.map(({ Key, Value }) => [Key, Value])), context);
}

/** CloudFormation's words for a thing of the same name that is not this resource's. */
export function takenName(type: string, property: string, name: string): HandlerError {
  const identifier = JSON.stringify({ [`/properties/${property}`]: name });
  return new HandlerError(`Resource of type '${type}' with identifier '${identifier}' already exists.`);
}

/** Gives null in place of a refusal with one of the codes. */
export async function unless<T>(codes: readonly string[], call: Promise<T>): Promise<T | null> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof CallError && codes.includes(error.code)) return null;
    throw error;
  }
}

/** A creation that fails after the thing is there says what it left. */
export async function settle<T>(physicalId: string, rest: () => Promise<T>): Promise<T> {
  try {
    return await rest();
  } catch (error) {
    if (error instanceof CallError || error instanceof HandlerError) throw new HandlerError(error.message, physicalId);
    throw error;
  }
}
