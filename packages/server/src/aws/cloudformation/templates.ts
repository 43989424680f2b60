/** Templates as clients give them: in the request, in our own S3, or those that the stack has; and their transforms. */
import { isDeepStrictEqual } from "node:util";
import { checkTemplateInSteps } from "@thaw/stacks/check-template";
import { TemplateError } from "@thaw/stacks/prepare";
import type { StackPlace } from "@thaw/stacks/prepared";
import { parseStackPolicy, refuseUnknownIds } from "@thaw/stacks/stack-policy";
import { applyTransforms } from "@thaw/stacks/transforms";
import { CommandError } from "@thaw/installation/command-error";
import { type ParsedTemplate, type Template, templateOf } from "@thaw/template/template";
import { inTurns } from "../../base/turns.ts";
import { CallError } from "../../ports/service-calls.ts";
import { type CloudFormationParts, invalid } from "./context.ts";
import { readTemplateText } from "./read-template.ts";
import { objectOf } from "./template-url.ts";

export interface GivenTemplate {
  readonly TemplateBody?: string;
  readonly TemplateURL?: string;
}

export interface ReadTemplate {
  readonly original: string;
  readonly template: Template;
  /** As it was read, for the transforms. */
  readonly parsed: ParsedTemplate;
}

export interface ProcessedTemplate extends Omit<ReadTemplate, "parsed"> {
  /** After the transforms. */
  readonly processed: string;
  readonly transforms: readonly string[];
}

/** AWS's limits of a template in a request, and in S3. */
const BODY_BYTES_MAX = 51_200;
const OBJECT_BYTES_MAX = 1024 * 1024;
const NAME = "Template format error";

/** The text of a template; null: none is given. Throws a ValidationError. */
export async function textOf(
  parts: Pick<CloudFormationParts, "services">,
  { TemplateBody: body, TemplateURL: url }: GivenTemplate,
): Promise<string | null> {
  if (body !== undefined && url !== undefined) throw invalid("You cannot specify both Template URL and Template Body.");
  if (url !== undefined) return readObject(parts, url, OBJECT_BYTES_MAX);
  if (body === undefined) return null;
  if (Buffer.byteLength(body) > BODY_BYTES_MAX)
    throw invalid(
      `1 validation error detected: Value at 'templateBody' failed to satisfy constraint: Member must have length less than or equal to ${BODY_BYTES_MAX}`,
    );
  return body;
}

/** Never fetched: the address names an object of ours. */
export async function readObject(
  { services }: Pick<CloudFormationParts, "services">,
  url: string,
  bytesMax: number,
  what: "Template" | "Stack policy" = "Template",
): Promise<string> {
  const object = objectOf(url);
  if (object === null) throw invalid(`S3 error: the address ${url.slice(0, 1024)} names no object of S3`);
  try {
    const head = await services.call("s3", "HeadObject", { ...object });
    if (Number(head["ContentLength"]) > bytesMax) throw invalid(`${what} may not exceed ${bytesMax} bytes in size.`);
    const { Body: content } = await services.call("s3", "GetObject", { ...object });
    return (content as Buffer).toString("utf8");
  } catch (error) {
    if (!(error instanceof CallError)) throw error;
    throw invalid(
      `S3 error: ${error.message}\nFor more information check http://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html`,
    );
  }
}

/** Throws a ValidationError where there is no template, or CloudFormation would not take it. */
export async function readGiven(
  parts: Pick<CloudFormationParts, "services" | "clock">,
  given: GivenTemplate,
): Promise<ReadTemplate> {
  const text = await textOf(parts, given);
  if (text === null) throw invalid("Either Template URL or Template Body must be specified.");
  return readText(parts, text);
}

/** Throws a ValidationError. */
export async function readText({ clock }: Pick<CloudFormationParts, "clock">, text: string): Promise<ReadTemplate> {
  const parsed = await orInvalid(() => readTemplateText(text, NAME));
  const template = await orInvalid(async () => templateOf(parsed, NAME));
  const problem = await inTurns(clock, checkTemplateInSteps(template));
  if (problem !== null) throw invalid(problem);
  return { original: text, template, parsed };
}

/** What a transform says of a template: AWS has a change set fail with it, and refuses other requests. */
export class TransformFailed extends Error {
  override readonly name = "TransformFailed";
}

export interface TransformInput {
  readonly place: StackPlace;
  readonly parameters: Readonly<Record<string, string>>;
  readonly ssm: ReadonlyMap<string, string>;
}

/** Throws TransformFailed. */
export async function processed(
  parts: Pick<CloudFormationParts, "transform" | "services" | "clock">,
  { original, template, parsed }: ReadTemplate,
  input: TransformInput,
): Promise<ProcessedTemplate> {
  const { transforms } = template;
  // `!Transform` and `Fn::Transform` stand for the same.
  if (transforms.length === 0 && !original.includes("Transform"))
    return { original, template, processed: original, transforms };
  const made = await orTransformFailed(() =>
    applyTransforms({
      ...input,
      template: parsed,
      needs: {
        sam: (request) => parts.transform.transform(request),
        include: (bucket, key) => includedText(parts, bucket, key),
      },
    }),
  );
  if (transforms.length === 0 && isDeepStrictEqual(made, parsed.sections))
    return { original, template, processed: original, transforms };
  const text = JSON.stringify(made);
  return { original, template: (await readText(parts, text)).template, processed: text, transforms };
}

async function includedText(
  { services }: Pick<CloudFormationParts, "services">,
  bucket: string,
  key: string,
): Promise<string> {
  const failed = (reason: string): TemplateError =>
    new TemplateError(`Transform AWS::Include failed with: ${reason}: s3://${bucket}/${key}`);
  try {
    const object = { Bucket: bucket, Key: key };
    const { ContentLength: size } = await services.call("s3", "HeadObject", object);
    if (Number(size) > OBJECT_BYTES_MAX) throw failed(`a snippet may not exceed ${OBJECT_BYTES_MAX} bytes in size`);
    const { Body: content } = await services.call("s3", "GetObject", object);
    return (content as Buffer).toString("utf8");
  } catch (error) {
    throw error instanceof CallError ? failed(error.message) : error;
  }
}

async function orTransformFailed<T>(apply: () => Promise<T>): Promise<T> {
  try {
    return await apply();
  } catch (error) {
    if (error instanceof TemplateError || error instanceof CommandError) throw new TransformFailed(error.message);
    throw error;
  }
}

/** Errors of the reader are those of the template. */
async function orInvalid<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw invalid((error as Error).message);
  }
}

/** Checks a stack's policy, which may name the resources of these templates; gives it as it is kept. */
export async function readPolicy(text: string, templates: readonly string[]): Promise<string> {
  return orInvalid(async () => {
    const policy = parseStackPolicy(text);
    const read = await Promise.all(templates.map(async (each) => templateOf(await readTemplateText(each, NAME), NAME)));
    const ids = read.flatMap(({ resources }) => Object.keys(resources));
    if (templates.length > 0) refuseUnknownIds(policy, new Set(ids));
    return text;
  });
}
