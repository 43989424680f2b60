/** Code of a function as CreateFunction takes it; text in the template becomes a package of one file. */
import { isTemplateMap, type TemplateMap } from "@thaw/template/value";
import { ZipFile } from "yazl";
import { HandlerError } from "../handler.ts";
import { pick } from "../own.ts";
import { CFN_RESPONSE_JS, CFN_RESPONSE_PY } from "./cfn-response.ts";

const IN_S3 = ["S3Bucket", "S3Key", "S3ObjectVersion", "S3ObjectStorageMode", "ImageUri"];
/** AWS's limit of a text. */
const TEXT_LENGTH_MAX = 4 * 1024 * 1024;
/** The same text makes the same package. */
const MADE_AT = new Date("2020-01-01T00:00:00Z");
const FILE_MODE = 0o100644;

export async function codeOf({
  Code: code,
  Runtime: runtime,
}: TemplateMap): Promise<Readonly<Record<string, unknown>>> {
  if (!isTemplateMap(code)) throw new HandlerError("Code must be a map");
  const text = code["ZipFile"];
  if (text === undefined) return { ...code, ...pick(code, IN_S3) };
  if (typeof text !== "string" || text.length > TEXT_LENGTH_MAX)
    throw new HandlerError(`Code.ZipFile must be a text of at most ${TEXT_LENGTH_MAX} characters`);
  return { ZipFile: await packageOf(text, String(runtime ?? "")) };
}

/** As CloudFormation: `index`, and beside it the module that answers for custom resources where the text names it. */
async function packageOf(text: string, runtime: string): Promise<Buffer> {
  if (runtime.startsWith("nodejs"))
    return zipOf({
      "index.js": text,
      ...(text.includes("cfn-response") ? { "cfn-response.js": CFN_RESPONSE_JS } : {}),
    });
  if (runtime.startsWith("python"))
    return zipOf({ "index.py": text, ...(text.includes("cfnresponse") ? { "cfnresponse.py": CFN_RESPONSE_PY } : {}) });
  throw new HandlerError(`ZipFile can only be used when Runtime is set to a nodejs or python runtime, not ${runtime}`);
}

async function zipOf(files: Readonly<Record<string, string>>): Promise<Buffer> {
  const zip = new ZipFile();
  for (const [name, text] of Object.entries(files))
    zip.addBuffer(Buffer.from(text), name, { mtime: MADE_AT, mode: FILE_MODE });
  zip.end();
  const pieces: Buffer[] = [];
  for await (const piece of zip.outputStream as AsyncIterable<Buffer>) pieces.push(piece);
  return Buffer.concat(pieces);
}
