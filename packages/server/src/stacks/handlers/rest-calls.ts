/** What the handlers of REST APIs share. */
import type { TemplateMap } from "@thaw/template/value";
import type { Texts } from "./api-values.ts";
import type { HandlerContext } from "./handler.ts";

export type Output = Readonly<Record<string, unknown>>;
export interface Patch {
  readonly op: "add" | "replace" | "remove";
  readonly path: string;
  readonly value?: string;
}

const SERVICE = "apigateway";
export const GONE = ["NotFoundException"];

export function call({ services }: HandlerContext, operation: string, input: Output): Promise<Output> {
  return services.call(SERVICE, operation, input);
}

export function escaped(step: string): string {
  return step.replaceAll("~", "~0").replaceAll("/", "~1");
}

/** As templates of AWS's write a media type: `image~1png`. */
export function unescaped(step: string): string {
  return step.replaceAll("~1", "/").replaceAll("~0", "~");
}

export async function setTags(resourceArn: string, wanted: Texts, now: Texts, context: HandlerContext): Promise<void> {
  const tagKeys = Object.keys(now).filter((key) => !Object.hasOwn(wanted, key));
  if (tagKeys.length > 0) await call(context, "UntagResource", { resourceArn, tagKeys });
  if (Object.keys(wanted).length > 0) await call(context, "TagResource", { resourceArn, tags: wanted });
}

export function textsIn(map: TemplateMap): Texts {
  return Object.fromEntries(Object.entries(map).map(([name, value]) => [name, String(value)]));
}
