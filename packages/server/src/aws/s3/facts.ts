/** What is said of an object beside its content: headers, metadata, tags; read from requests, and shown. */
import type { ObjectFacts, ObjectVersion } from "../../model/object-record.ts";
import { S3Error } from "./s3-error.ts";

const HEADERS = ["CacheControl", "ContentDisposition", "ContentEncoding", "ContentLanguage", "ContentType", "Expires"];
/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html */
const METADATA_BYTES_MAX = 2048;
/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html */
const TAGS_MAX = 10;
const TAG_KEY_LENGTH_MAX = 128;
const TAG_VALUE_LENGTH_MAX = 256;

type Tags = ObjectFacts["tags"];

/** Reads them from an input of PutObject, CopyObject or CreateMultipartUpload. */
export function factsOf(input: Readonly<Record<string, unknown>>): ObjectFacts {
  const headers: Record<string, string> = {};
  for (const name of HEADERS) {
    const value = input[name];
    if (typeof value === "string" && value !== "") headers[name] = value;
  }
  const encoding = (headers["ContentEncoding"] ?? "")
    .split(",")
    .map((each) => each.trim())
    // How the request was sent, and no part of what was stored.
    .filter((each) => each !== "aws-chunked" && each !== "");
  delete headers["ContentEncoding"];
  if (encoding.length > 0) headers["ContentEncoding"] = encoding.join(",");
  const metadata = (input["Metadata"] ?? {}) as Readonly<Record<string, string>>;
  const bytes = Object.entries(metadata).reduce((sum, [name, value]) => sum + name.length + value.length, 0);
  if (bytes > METADATA_BYTES_MAX)
    throw new S3Error("MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size", {
      elements: { Size: String(bytes), MaxSizeAllowed: String(METADATA_BYTES_MAX) },
    });
  const tagging = input["Tagging"];
  const tags = typeof tagging === "string" ? [...new URLSearchParams(tagging)] : [];
  return { headers, metadata, tags: checkedTags(tags.map(([Key, Value]) => ({ Key, Value }))) };
}

export function checkedTags(tags: Tags): Tags {
  const invalid = (why: string): S3Error => new S3Error("InvalidTag", why);
  if (tags.length > TAGS_MAX) throw new S3Error("BadRequest", `Object tags cannot be greater than ${TAGS_MAX}`);
  if (new Set(tags.map(({ Key }) => Key)).size < tags.length)
    throw invalid("Cannot provide multiple Tags with the same key");
  for (const { Key, Value } of tags) {
    if (Key === "" || Key.length > TAG_KEY_LENGTH_MAX) throw invalid("The TagKey you have provided is invalid");
    if (Value.length > TAG_VALUE_LENGTH_MAX) throw invalid("The TagValue you have provided is invalid");
  }
  return tags;
}

/** The members of GetObject and HeadObject; `replaced` are those that the request asks for. */
export function shownFacts({ facts }: ObjectVersion, replaced: Readonly<Record<string, unknown>>): object {
  const shown: Record<string, unknown> = { ContentType: "binary/octet-stream", ...facts.headers };
  for (const name of HEADERS) {
    const asked = replaced[`Response${name}`];
    if (asked !== undefined) shown[name] = asked;
  }
  return {
    ...shown,
    Metadata: facts.metadata,
    ...(facts.tags.length === 0 ? {} : { TagCount: facts.tags.length }),
  };
}
